package evdns

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// Errors of methods. They come wrapped in "evdns: operation object"; a nil argument
// is event.ErrNil.
var (
	// ErrFreed says that Free was called before.
	ErrFreed = errors.New("resolver is freed")
	// ErrFlags says that the flags are none that there are.
	ErrFlags = errors.New("unknown flags")
	// ErrExists says that the base has this nameserver already.
	ErrExists = errors.New("nameserver is there already")
	// ErrAddress says that an address is none, or not of this kind.
	ErrAddress = dnswire.ErrAddress
	// ErrName says that a name cannot be looked up: it is too long, or has
	// an empty label or characters that no host name has.
	ErrName = dnswire.ErrName
	// ErrIndex says that there is no nameserver with this number.
	ErrIndex = errors.New("no such nameserver")
	// ErrTooMany says that as many lookups as max-waiting allows wait already.
	ErrTooMany = errors.New("too many lookups are waiting")
	// ErrOption says that there is no option of this name.
	ErrOption = errors.New("unknown option")
	// ErrValue says that a setting cannot have this value.
	ErrValue = errors.New("invalid value")
	// ErrNotCached says that the cache does not know.
	ErrNotCached = errors.New("not in the cache")
)

// Reasons that are wrapped in others, or logged.
var (
	errIdle        = errors.New("connection is silent")
	errShort       = errors.New("message shorter than a header")
	errLongOptions = errors.New("too long for a query")
	errNoArgument  = errors.New("argument missing")
	errNUL         = errors.New("NUL byte")
	errLongLine    = fmt.Errorf("more than %d bytes", maxConfigLine)
	errNoName      = errors.New("address without a name")
	errWithPort    = errors.New("address with a port")
	errManyAddrs   = fmt.Errorf("more than %d addresses of a name", maxHostAddrs)
)

// Err is the reason why a lookup has no answer. The values up to 5 are the
// response codes of RFC 1035, section 4.1.1; the others are our own. Errors of
// this package wrap one, so that errors.Is finds it (DNS_ERR_NONE is nil).
type Err int

const (
	// ErrFormat says that the nameserver could not read the query (DNS_ERR_FORMAT).
	ErrFormat Err = dns.RcodeFormatError
	// ErrServerFailed says that the nameserver could not process the query
	// (DNS_ERR_SERVERFAILED).
	ErrServerFailed Err = dns.RcodeServerFailure
	// ErrNotExist says that there is no such name (DNS_ERR_NOTEXIST).
	ErrNotExist Err = dns.RcodeNameError
	// ErrNotImpl says that the nameserver does not know this kind of query
	// (DNS_ERR_NOTIMPL).
	ErrNotImpl Err = dns.RcodeNotImplemented
	// ErrRefused says that the nameserver does not want to answer (DNS_ERR_REFUSED).
	ErrRefused Err = dns.RcodeRefused
)

const (
	// ErrTruncated says that the answer was cut off or could not be read
	// (DNS_ERR_TRUNCATED).
	ErrTruncated Err = 65 + iota
	// ErrUnknown is everything else, among it response codes without a name here
	// (DNS_ERR_UNKNOWN).
	ErrUnknown
	// ErrTimeout says that no nameserver has answered in time (DNS_ERR_TIMEOUT).
	ErrTimeout
	// ErrShutdown says that the base was freed (DNS_ERR_SHUTDOWN).
	ErrShutdown
	// ErrCancel says that the request was cancelled (DNS_ERR_CANCEL).
	ErrCancel
	// ErrNoData says that the name exists, but has nothing of the kind that was
	// asked for (DNS_ERR_NODATA).
	ErrNoData
	// ErrUnreachable says that no nameserver could be asked. The error that it
	// is in wraps the reason as well: ErrNoNameservers, that the system does not
	// let a query be sent, that nobody listens, that a connection broke, or that
	// a certificate is wrong. C has a timeout for it.
	ErrUnreachable
)

var errTexts = map[Err]string{
	ErrFormat:       "nameserver could not read the query",
	ErrServerFailed: "nameserver failed",
	ErrNotExist:     "no such name",
	ErrNotImpl:      "nameserver does not know this kind of query",
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

// Timeout says whether waiting was what went wrong, as in net.Error.
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

// ConfigErr is the reason why a configuration file could not be used, or not
// fully. Errors of ParseResolvConf and LoadHosts wrap one, so that errors.Is
// finds it; what the system says is wrapped as well (EVDNS_ERROR_NONE is nil).
type ConfigErr int

const (
	// ErrOpenFile says that the file could not be opened
	// (EVDNS_ERROR_FAILED_TO_OPEN_FILE).
	ErrOpenFile ConfigErr = 1
	// ErrStatFile says that the file is not one that could be read
	// (EVDNS_ERROR_FAILED_TO_STAT_FILE).
	ErrStatFile ConfigErr = 2
	// ErrFileTooLarge says that the file is larger than max-file-size
	// (EVDNS_ERROR_FILE_TOO_LARGE).
	ErrFileTooLarge ConfigErr = 3
	// ErrReadFile says that reading the file broke off
	// (EVDNS_ERROR_SHORT_READ_FROM_FILE).
	ErrReadFile ConfigErr = 5
	// ErrNoNameservers says that all went well, but no nameserver was found,
	// so that 127.0.0.1 took its place. As the error of a lookup, where it comes
	// with ErrUnreachable, it says that the resolver has none
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
		return "reading broke off"
	case ErrNoNameservers:
		return "no nameservers configured"
	}
	return fmt.Sprintf("configuration error %d", int(e))
}
