package server

import (
	"io"
	"net"
)

// netBuffer is the length of a connection's buffer.
const netBuffer = 4 << 10

// serveNet runs a goroutine a connection, with a small buffer each. The package
// net sets TCP_NODELAY by itself.
func serveNet(r ready) error { return acceptNet(r, echoNet) }

func echoNet(conn net.Conn) {
	buf := make([]byte, netBuffer)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}

// serveNetStream runs a goroutine a connection for long streams: io.Copy lets
// the kernel move them (splice).
func serveNetStream(r ready) error { return acceptNet(r, copyNet) }

func copyNet(conn net.Conn) {
	_, _ = io.Copy(conn, conn) // the stream has ended, in whatever way
}

// acceptNet serves each connection in a goroutine of its own.
func acceptNet(r ready, serve func(net.Conn)) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			serve(conn)
		}()
	}
}
