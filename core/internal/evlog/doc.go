// Package evlog holds the process-wide log and fatal-error hooks that every
// package of the library reports through. The event package exposes them to
// users as Logger, SetLogCallback, SetFatalCallback and EnableDebugLogging.
//
// # Files
//
//	evlog.go    severities, the callbacks, fatal errors
//	handler.go  the slog.Handler that calls the log callback
package evlog
