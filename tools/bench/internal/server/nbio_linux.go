package server

import (
	"net"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
)

// serveNbio runs one poller, level triggered, which is nbio's default. It
// accepts with the package net, which sets TCP_NODELAY. What a write cannot
// write at once is copied, so that the loop's buffer can be given to it.
func serveNbio(r ready) error {
	logging.SetLevel(logging.LevelError)
	engine := nbio.NewEngine(nbio.Config{
		Network: "tcp",
		Addrs:   []string{address},
		NPoller: 1,
	})
	engine.OnData(func(c *nbio.Conn, p []byte) { _, _ = c.Write(p) }) // closes c if it fails
	if err := engine.Start(); err != nil {
		return err
	}
	addr, err := net.ResolveTCPAddr("tcp", engine.Addrs[0])
	if err != nil {
		return err
	}
	r(addr)
	select {}
}
