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
// callbacks, watermarks, timeouts. The write callback runs when all output has
// been encrypted and has left what is below, so that it may free the bufferevent.
//
// [NewFilter] puts TLS over another bufferevent, of any kind: over the socket
// of a protocol that begins in clear (STARTTLS), over a pair, over a filter, or
// over TLS. What is set there stays in force, but for the low watermark for reading:
// TLS has bounds of its own beside it. Rate limits, sizes of single reads and writes, and priorities act at the socket
// at the bottom, and count encrypted bytes; without a socket they are errors.
//
// # Handshakes
//
// A handshake lasts no longer than [Config].HandshakeTimeout. It runs in a
// goroutine of its own, which takes turns with the loop and ends with it: after
// the handshake there is no goroutine, and an idle connection costs what
// crypto/tls keeps. A server starts it when the client's first record is there. A
// handshake computes for a good part of a millisecond, during which the loop does
// nothing else. With [Workers] it goes on meanwhile, on another processor or, if
// it has to share one, between any two handshakes, so that a flood of new
// connections does not hold up those that there are.
//
// The functions in a tls.Config are called in that goroutine, even after the
// bufferevent was freed. What they have to wait for, a disk or the network, they
// wait for in [Wait], while the loop goes on. They must not use
// a bufferevent that is ThreadSafe, whose lock the loop may hold while it waits
// for them; without locks they may use what belongs to the loop, unless there are
// Workers.
//
// Until a peer is known, no more than 150 kB of its input are held, besides the
// message that crypto/tls gathers.
//
// # Certificates
//
// A [Config] takes certificates as crypto/tls does. Package evcert loads them from
// files, chooses, reloads, staples and renews them, by the functions that a tls.Config
// has for that.
//
// # The end of a stream
//
// A peer that has ended its stream says so (close_notify); the event callback
// is told EventEOF. If the stream below ends without that, an attacker may have cut
// it off: the callback is told EventError, and Err wraps io.ErrUnexpectedEOF,
// unless the flag [DirtyShutdown] allows it. [bufferevent.Bufferevent.CloseWrite]
// ends our side, after everything that was written, and the write callback runs
// when that has left. [bufferevent.Bufferevent.FreeWhenWritten] does the same and
// then frees the bufferevent: it is how a connection ends in order (RFC 8446
// section 6.1). Free says nothing to the peer, which takes the stream for one that
// was cut off.
//
// # Errors
//
// Whatever goes wrong comes to the event callback once: with EventReading,
// EventWriting and EventError if it ends the connection, and when the alert that
// tells the peer has been written, so that the callback may free the bufferevent.
// Err has an error that errors.As can take apart: tls.RecordHeaderError for
// something else than TLS, net.OpError and tls.AlertError for what the peer says,
// or we have told it, tls.CertificateVerificationError and those of crypto/x509
// for certificates, and [ErrHandshakeTimeout].
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
//
// # Files
//
//	config.go             Config, State, Flags
//	stream.go             the transport: making, enabling, freeing
//	stream_handshake.go   the handshake as the loop sees it
//	stream_data.go        decrypting a record, encrypting output
//	closing.go            the end of a stream, in order or by an error
//	handshake.go          the goroutine of a handshake
//	memory.go             the net.Conn in memory under crypto/tls
//	access.go             what users ask a bufferevent for: state, flags, Detach
//	peer.go               names and addresses of the peer
//	wait.go               Wait
//	workers.go            Workers
//	errors.go             errors
package evtls
