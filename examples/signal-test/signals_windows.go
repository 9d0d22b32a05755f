package main

import "syscall"

// signals are those that Windows has: SIGINT is Control-C and Control-Break,
// SIGTERM is the end of the console or the session.
var signals = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}
