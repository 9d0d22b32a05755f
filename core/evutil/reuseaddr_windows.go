package evutil

func setReuseAddr(int) error { return nil }
