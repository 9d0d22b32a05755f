package evdns

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// Errors of methods, wrapped as "evdns: operation object: error". A nil argument is
// event.ErrNil.
var (
	// ErrFreed says that Free was called before.
	ErrFreed = errors.New("resolver is freed")
	// ErrFlags says that there is no such flag.
	ErrFlags = errors.New("unknown flags")
	// ErrExists says that the resolver has this nameserver already.
	ErrExists = errors.New("nameserver is there already")
	// ErrAddress says that an address is not valid, or not of this kind.
	ErrAddress = dnswire.ErrAddress
	// ErrName says that a name cannot be looked up: it is too long, or has
	// an empty label or characters that no host name has.
	ErrName = dnswire.ErrName
	// ErrIndex says that there is no nameserver with this number.
	ErrIndex = errors.New("no such nameserver")
	// ErrTooMany says that as many lookups as Config.MaxWaiting allows are waiting.
	ErrTooMany = errors.New("too many lookups are waiting")
	// ErrOption says that there is no option of this name.
	ErrOption = errors.New("unknown option")
	// ErrValue says that a setting cannot have this value.
	ErrValue = errors.New("invalid value")
	// ErrNotCached says that the cache has no answer.
	ErrNotCached = errors.New("not in the cache")
)

// Causes that are wrapped in other errors, or logged.
var (
	errIdle        = errors.New("connection is idle")
	errShort       = errors.New("message shorter than a header")
	errLongOptions = errors.New("too long for a query")
	errNoArgument  = errors.New("argument missing")
	errNUL         = errors.New("NUL byte")
	errLongLine    = fmt.Errorf("more than %d bytes", maxConfigLine)
	errNoName      = errors.New("address without a name")
	errWithPort    = errors.New("address with a port")
	errManyAddrs   = fmt.Errorf("more than %d addresses of a name", maxHostAddrs)
)

// Err is the reason why a lookup has failed. The values up to 5 are the response codes
// of RFC 1035, section 4.1.1; the others are libevent's. Errors of lookups wrap one, for
// errors.Is (DNS_ERR_NONE is nil).
type Err int

const (
	// ErrFormat says that the nameserver could not read the query (DNS_ERR_FORMAT).
	ErrFormat Err = dns.RcodeFormatError
	// ErrServerFailed says that the nameserver could not process the query
	// (DNS_ERR_SERVERFAILED).
	ErrServerFailed Err = dns.RcodeServerFailure
	// ErrNotExist says that there is no such name (DNS_ERR_NOTEXIST).
	ErrNotExist Err = dns.RcodeNameError
	// ErrNotImpl says that the nameserver does not implement this kind of query
	// (DNS_ERR_NOTIMPL).
	ErrNotImpl Err = dns.RcodeNotImplemented
	// ErrRefused says that the nameserver refuses the query (DNS_ERR_REFUSED).
	ErrRefused Err = dns.RcodeRefused
)

const (
	// ErrTruncated says that the answer was truncated or malformed
	// (DNS_ERR_TRUNCATED).
	ErrTruncated Err = 65 + iota
	// ErrUnknown is any other error, among them response codes without a name here
	// (DNS_ERR_UNKNOWN).
	ErrUnknown
	// ErrTimeout says that no nameserver has answered in time (DNS_ERR_TIMEOUT).
	ErrTimeout
	// ErrShutdown says that the base was freed (DNS_ERR_SHUTDOWN).
	ErrShutdown
	// ErrCancel says that the request was cancelled (DNS_ERR_CANCEL).
	ErrCancel
	// ErrNoData says that the name exists, but has no records of the type
	// (DNS_ERR_NODATA).
	ErrNoData
	// ErrUnreachable says that no nameserver could be reached. The error wraps the
	// cause as well: ErrNoNameservers, an error of sending, a closed port, a lost
	// connection, or a certificate that is not valid. C reports a timeout.
	ErrUnreachable
)

var errTexts = map[Err]string{
	ErrFormat:       "nameserver could not read the query",
	ErrServerFailed: "nameserver failed",
	ErrNotExist:     "no such name",
	ErrNotImpl:      "nameserver does not implement this kind of query",
	ErrRefused:      "nameserver refused the query",
	ErrTruncated:    "answer truncated or malformed",
	ErrUnknown:      "unknown error",
	ErrTimeout:      "no answer in time",
	ErrShutdown:     "resolver shut down",
	ErrCancel:       "request cancelled",
	ErrNoData:       "name has no such records",
	ErrUnreachable:  "no nameserver can be reached",
}

// Error implements error (evdns_err_to_string).
func (e Err) Error() string {
	if text, ok := errTexts[e]; ok {
		return text
	}
	return fmt.Sprintf("DNS error %d", int(e))
}

// Timeout reports whether the error is a timeout, as in net.Error.
func (e Err) Timeout() bool { return e == ErrTimeout }

// messageError returns the error of a message, which is nil if it has an answer.
func messageError(m *dns.Msg) error {
	if m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0 {
		return nil
	}
	return rcodeError(m.Rcode)
}

// rcodeError returns the error of a message without an answer.
func rcodeError(rcode int) error {
	switch rcode {
	case dns.RcodeSuccess:
		return ErrNoData
	case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNameError, dns.RcodeNotImplemented, dns.RcodeRefused:
		return Err(rcode)
	default:
		return ErrUnknown
	}
}

// ConfigErr is the reason why a configuration file was not applied, or not fully. Errors
// of ParseResolvConf and LoadHosts wrap one, for errors.Is, and the error of the system
// (EVDNS_ERROR_NONE is nil).
type ConfigErr int

const (
	// ErrOpenFile says that the file could not be opened
	// (EVDNS_ERROR_FAILED_TO_OPEN_FILE).
	ErrOpenFile ConfigErr = 1
	// ErrStatFile says that the file is a directory, pipe or socket
	// (EVDNS_ERROR_FAILED_TO_STAT_FILE).
	ErrStatFile ConfigErr = 2
	// ErrFileTooLarge says that the file is larger than max-file-size
	// (EVDNS_ERROR_FILE_TOO_LARGE).
	ErrFileTooLarge ConfigErr = 3
	// ErrReadFile says that reading the file failed
	// (EVDNS_ERROR_SHORT_READ_FROM_FILE).
	ErrReadFile ConfigErr = 5
	// ErrNoNameservers says that the file was applied, but has no nameserver, so
	// that 127.0.0.1 was added. As the cause of ErrUnreachable it says that the
	// resolver has none
	// (EVDNS_ERROR_NO_NAMESERVERS_CONFIGURED).
	ErrNoNameservers ConfigErr = 6
)

// Error implements error.
func (e ConfigErr) Error() string {
	switch e {
	case ErrOpenFile:
		return "cannot be opened"
	case ErrStatFile:
		return "not a file to read"
	case ErrFileTooLarge:
		return "file too large"
	case ErrReadFile:
		return "reading failed"
	case ErrNoNameservers:
		return "no nameservers configured"
	}
	return fmt.Sprintf("configuration error %d", int(e))
}

// A failure is the error of a lookup. Its text is made only when it is read.
type failure struct {
	name   string
	qtype  uint16
	server netip.AddrPort // that the request was sent to last, or zero
	cause  error          // the error of the socket or connection, or nil
	err    error
}

func lookupError(name string, qtype uint16, err error) error {
	return &failure{name: name, qtype: qtype, err: err}
}

// describe wraps err with what r looks up, unless it is wrapped already.
func (r *Request) describe(err error) error {
	if _, ok := err.(*failure); ok {
		return err
	}
	f := &failure{name: r.name, qtype: r.qtype, err: err}
	if r.server != nil {
		f.server = r.server.addr
	}
	if h := r.history(); h != nil && (err == ErrTimeout || err == ErrUnreachable) {
		f.cause = h.err
	}
	return f
}

// Error implements error.
func (f *failure) Error() string {
	s := fmt.Sprintf("evdns: lookup %s %s", dnswire.TrimDot(f.name), dns.Type(f.qtype))
	if f.server.IsValid() {
		s += fmt.Sprintf(" at %v", f.server)
	}
	s += fmt.Sprintf(": %v", f.err)
	if f.cause != nil {
		s += fmt.Sprintf(": %v", f.cause)
	}
	return s
}

// Unwrap lets errors.Is and errors.As see both.
func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.err}
	}
	return []error{f.err, f.cause}
}

// Timeout reports whether the error is a timeout, as in net.Error.
func (f *failure) Timeout() bool { return errors.Is(f.err, ErrTimeout) }

// A permanentError is the error of a connection that another attempt would have too.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// isPermanent reports whether another attempt at the same nameserver would fail with
// err too: its port is closed, or there is no route to it.
func isPermanent(err error) bool {
	if _, ok := errors.AsType[permanentError](err); ok {
		return true
	}
	return isAny(err, unreachableErrors...)
}

// isResourceError reports whether err says that this host is short of a resource, such
// as descriptors.
func isResourceError(err error) bool { return isAny(err, resourceErrors...) }

// isNoAnswer reports whether err says that no nameserver has answered.
func isNoAnswer(err error) bool { return isAny(err, ErrServerFailed, ErrTimeout, ErrUnreachable) }

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
