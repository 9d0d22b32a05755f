package evutil

// setKeepAliveTimes has nothing to set: the times belong to the system.
func setKeepAliveTimes(int, keepAliveTimes) error { return nil }
