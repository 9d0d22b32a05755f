package server

import (
	"net"
	"net/http"
	"strconv"
)

// serveHTTPNet runs a server of net/http, with its defaults. A handler that tells
// the length of a large body has it sent without chunks.
func serveHTTPNet(r ready) error {
	mux := http.NewServeMux()
	for path, body := range httpBodies() {
		length := strconv.Itoa(len(body))
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", httpType)
			w.Header().Set("Content-Length", length)
			_, _ = w.Write(body) // a client that is gone has no use for it
		})
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r(listener.Addr())
	return http.Serve(listener, mux)
}
