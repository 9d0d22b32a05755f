// Package process tells what a process uses. It does so on Linux only, but for what
// Go itself has counted.
//
// # Files
//
//	allocations.go  what Go itself has counted
//	process_*.go    processor time and memory
package process
