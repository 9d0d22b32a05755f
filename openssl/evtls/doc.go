// Package evtls has TLS bufferevents: streams like those of the package
// bufferevent, encrypted by the standard library's crypto/tls, unmodified. It
// takes the place of libevent's bufferevent_openssl and bufferevent_mbedtls.
//
// # A connection
//
// A server makes a bufferevent of an accepted socket with [NewSocket] and state
// [Accepting]:
//
//	cfg := &evtls.Config{TLS: &tls.Config{Certificates: certs}}
//	...
//	b, err := evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
//
// A client begins with the state [Connecting], without a descriptor, and
// connects as with any bufferevent:
//
//	b, err := evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
//	...
//	err = b.ConnectHostname(nil, "tcp", "example.com", 443)
//
// The event callback is told EventConnected when the handshake is done; from
// then on [ConnectionState] tells what it has led to. What was put into the
// output before goes out then. Everything else is as for other bufferevents:
// callbacks, watermarks, timeouts.
//
// [NewFilter] puts TLS over another bufferevent, of any kind: over the socket
// of a protocol that begins in clear (STARTTLS), over a pair, over a filter, or
// over TLS.
//
// # Handshakes
//
// A handshake lasts no longer than [Config].HandshakeTimeout. It runs in a
// goroutine of its own, which takes turns with the loop and ends with it: after
// the handshake there is no goroutine, and an idle connection costs what
// crypto/tls keeps. A handshake computes for a good part of a millisecond,
// during which the loop does nothing else. With [Workers] it goes on meanwhile,
// and a flood of new connections does not hold up those that there are. The
// functions in a tls.Config are called in that goroutine; with Workers they may
// take their time.
//
// # The end of a stream
//
// A peer that has ended its stream says so (close_notify); the event callback
// is told EventEOF. If the stream below ends without that, somebody may have cut
// it off: the callback is told EventError, and Err wraps io.ErrUnexpectedEOF,
// unless the flag [DirtyShutdown] allows it. [bufferevent.Bufferevent.CloseWrite]
// ends our side, after everything that was written.
//
// # Errors
//
// Whatever goes wrong comes to the event callback once. Err has an error that
// errors.As can take apart: tls.RecordHeaderError for something else than TLS,
// tls.AlertError and net.OpError for what the peer says,
// tls.CertificateVerificationError and those of crypto/x509 for certificates,
// and [ErrHandshakeTimeout].
//
// # Goroutines
//
// TLS bufferevents belong to the goroutine of their loop, like others, unless
// they are made with ThreadSafe.
//
// # Coming from C
//
// There is no SSL object to make before: a [Config] has crypto/tls's
// configuration, and the state says whose side it is. State [Open] is for a
// connection that [Detach] has taken from another bufferevent. Renegotiation
// does not exist; a configuration that allows it is an error. Key updates of TLS
// 1.3 are answered.
package evtls
