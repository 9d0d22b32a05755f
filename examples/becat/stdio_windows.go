package main

import (
	"os"

	"github.com/go-libevent/libevent/core/event"
)

// openDirect returns nil: on Windows loops can only wait for sockets.
func openDirect(*event.Base, *os.File) (*stdio, error) { return nil, nil }
