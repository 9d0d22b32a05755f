//go:build !unix

package evhttp

const nonblock = 0

func isShortage(error) bool { return false }
