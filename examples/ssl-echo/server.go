package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/openssl/evtls"
	"github.com/go-libevent/libevent/pthreads"
)

// stopTime is how long callbacks may take to come to an end.
const stopTime = 5 * time.Second

// serve serves until a signal comes, or until a loop fails, which stops the
// group. Connections that are open then end with the process.
func (o *options) serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := o.serverConfig()
	if err != nil {
		return err
	}
	group, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: o.loops})
	if err != nil {
		return err
	}
	s := &server{cfg, o.verbose}
	listening, err := group.Listen(o.addr, s.accept)
	if err != nil {
		return errors.Join(err, group.Stop(ctx))
	}
	if _, err := fmt.Printf("listening on %v\ncertificate %s\n", listening, tlsconf.Fingerprint(cfg.TLS.Certificates[0].Certificate[0])); err != nil {
		return errors.Join(err, group.Stop(ctx))
	}
	context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if err := group.Stop(deadline); err != nil {
			log.Fatal(err)
		}
	})
	return group.Wait()
}

func (o *options) serverConfig() (*evtls.Config, error) {
	cert, err := o.identity.Certificate()
	if err != nil {
		return nil, err
	}
	clients, err := o.verification.Pool()
	if err != nil {
		return nil, err
	}
	cfg := &evtls.Config{TLS: &tls.Config{
		Certificates: []tls.Certificate{cert},
		NextProtos:   o.alpn,
		ClientCAs:    clients,
	}}
	if clients != nil {
		cfg.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if o.workers > 0 {
		cfg.Workers = evtls.NewWorkers(o.workers)
	}
	return cfg, nil
}
