//go:build unix

package main

import "syscall"

var signals = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2,
}
