// Package process tells what a process uses. It does so on Linux only, but for what
// Go itself has counted.
package process
