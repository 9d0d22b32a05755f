// Package torture has system calls of the examples fail, one kind at a time, with
// strace: the first, the second, the fifth, or every seventh. Nothing is in it but
// tests, on Linux.
//
// A server gets two ordeals: one while it starts, and one while clients use it.
// Afterwards it must serve, be idle, have its descriptors back, and have said what
// failed on what, unless it is the peer's fault. A program that ends by itself must
// end with what was asked of it, or with exit status 1 and a message that says
// what failed.
//
// What can fail is found out by a run without failures; errnos_linux_test.go says
// how each call can. LIBEVENT_TORTURE=n tries one in n of all those combinations,
// which are thousands; 1 tries all, and takes some ten minutes. Without it one in
// forty is tried, and a few always.
//
// The map:
//
//   - errnos_linux_test.go: how each system call can fail
//   - inject_linux_test.go: strace
//   - program_linux_test.go: the programs, and what they use
//   - servers_linux_test.go, clients_linux_test.go: what is done with each program
//   - torture_linux_test.go: the ordeals
package torture
