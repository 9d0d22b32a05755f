// Package servertest has what the tests of http's packages share: servers on loops
// that run in goroutines of their own, and clients that speak bytes.
//
//	l := servertest.NewLoop(t)
//	s, addr := l.Serve(func(s *evhttp.Server) { s.Handle("/", hello) })
//	c := servertest.Connect(t, addr)
//
// It is for tests alone: production code does not import it.
//
// # Files
//
//	loop.go    servers on loops, clients, folders
//	script.go  servers that speak bytes
package servertest
