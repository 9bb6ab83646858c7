"""Application Auto Scaling as the emulator has it: policies and schedules that act."""
