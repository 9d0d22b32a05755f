package evdns

import (
	"fmt"

	"github.com/miekg/dns"
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
