package load

// HTTPWork is what a load asks an HTTP server for.
type HTTPWork struct {
	Size  int  // of the body of a response, in bytes
	Depth int  // requests that are sent at once on a connection
	Fresh bool // each connection is for one request, and the next one is new
	Conns int
}
