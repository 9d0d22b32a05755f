package cond

import "errors"

var (
	// ErrDate is something that is no date of HTTP.
	ErrDate = errors.New("invalid date")
	// ErrRange is a Range field that is malformed, of another unit than bytes,
	// or asks for too much. It is to be ignored, and all be sent.
	ErrRange = errors.New("range to be ignored")
	// ErrUnsatisfiable says that none of the ranges has anything in it. The
	// status to answer with is 416.
	ErrUnsatisfiable = errors.New("range not satisfiable")
)
