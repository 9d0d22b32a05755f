package server

import "github.com/tidwall/evio"

// serveEvio runs one loop. Connections use the loop's buffer for their input,
// which saves a copy. Evio has no way to set TCP_NODELAY; with one message under
// way on a connection there is nothing that it would delay.
func serveEvio(r ready) error {
	return evio.Serve(evio.Events{
		NumLoops: 1,
		Serving: func(s evio.Server) evio.Action {
			r(s.Addrs[0])
			return evio.None
		},
		Opened: func(evio.Conn) ([]byte, evio.Options, evio.Action) {
			return nil, evio.Options{ReuseInputBuffer: true}, evio.None
		},
		Data: func(_ evio.Conn, in []byte) ([]byte, evio.Action) {
			return in, evio.None
		},
	}, "tcp://"+address)
}
