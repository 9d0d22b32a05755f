//go:build !linux

package sysio

import "errors"

// QueueErrors would make a socket keep the errors that the network reports.
func QueueErrors(int) error { return errors.ErrUnsupported }

// RecvError would take an error from the queue of a socket.
func RecvError(int) (QueuedError, error) { return QueuedError{}, errors.ErrUnsupported }
