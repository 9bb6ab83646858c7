"""What a pipeline asks before it deploys, beside the commands that people use.

    due.py       which stacks a commit deploys
    comment.py   what a change would do to one stack, as Markdown for a pull request

Neither runs the engine, asks AWS or writes a file.
"""
