package evdns

import "errors"

// What it means that a query could not be sent, or that its connection broke,
// for the nameserver and for the request.

// blame notes that the nameserver could not be asked because of err.
func (s *nameserver) blame(err error) {
	switch {
	case isShortage(err): // of this host
	case isFinal(err):
		s.failed(err.Error())
	default:
		s.strike(err.Error())
	}
}

// notSent notes that r's query has come to nothing because of err.
func (r *Request) notSent(err error) {
	if r.probe || r.caseUnconfirmed() {
		return
	}
	r.trouble().err = err
	if err == errIdle {
		r.failure = 0
		return
	}
	r.failure = uint8(ErrUnreachable)
	if isFinal(err) {
		r.ruleOut(r.server)
	}
}

// A finalError is one that would come again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// isFinal says whether err would come again if the same nameserver was asked
// again at once: nobody listens there, or there is no way to it.
func isFinal(err error) bool {
	if _, ok := errors.AsType[finalError](err); ok {
		return true
	}
	return isAny(err, noWay...)
}

// isShortage says whether err means that this host is short of something.
func isShortage(err error) bool {
	return isAny(err, shortage...)
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
