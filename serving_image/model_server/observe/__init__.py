"""What the server tells of itself: metrics, traces and predictions; decides nothing."""
