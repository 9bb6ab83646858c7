"""What watches a deployment: alarms, dashboard, log group and the metrics behind them."""
