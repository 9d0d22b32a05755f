package evutil

func setReuseAddr(int) error   { return nil }
func setDeferAccept(int) error { return nil }
