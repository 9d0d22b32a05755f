package sysio

func init() {
	c := hookedCalls["SetOption"]
	c.call = func() error { return SetKeepAliveMillis(-1, 1, 1) }
	hookedCalls["SetKeepAliveMillis"] = c
}
