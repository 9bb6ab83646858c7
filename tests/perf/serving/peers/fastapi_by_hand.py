"""What people write by hand: FastAPI, a pydantic model, onnxruntime in a synchronous endpoint.

FastAPI's own pages say to declare blocking work with `def`; it then runs in a thread pool. With
`async` the same work runs on the event loop: less CPU, but a slow model then holds up every other
request and the health check.

    python fastapi_by_hand.py MODEL PORT [async]
"""

import sys
from typing import Annotated

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
declared = session.get_inputs()[0]
whole_numbers = declared.type == "tensor(int64)"
dtype = np.int64 if whole_numbers else np.float32
width = declared.shape[1]
Number = int if whole_numbers else float
Row = Annotated[list[Number], Field(min_length=width, max_length=width)]

app = FastAPI()


class Instances(BaseModel):
    instances: Annotated[list[Row], Field(min_length=1)]


class Predictions(BaseModel):
    predictions: list[list[float]]


@app.get("/ping")
def ping() -> dict[str, str]:
    return {"status": "ok"}


def invoke(body: Instances) -> Predictions:
    try:
        (outputs,) = session.run(None, {declared.name: np.array(body.instances, dtype=dtype)})
    except Exception as error:
        raise HTTPException(500, "the model failed") from error
    return Predictions(predictions=outputs.tolist())


async def invoke_on_the_loop(body: Instances) -> Predictions:
    return invoke(body)


app.post("/invocations")(invoke_on_the_loop if "async" in sys.argv else invoke)


if __name__ == "__main__":
    # Both are uvicorn's own choice where they are installed.
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="warning",
    )
