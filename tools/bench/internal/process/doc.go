// Package process tells what a process uses. It does so on Linux only.
package process
