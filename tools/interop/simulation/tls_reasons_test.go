package simulation_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A tlsReason is what kind of error has ended a TLS connection.
type tlsReason string

const (
	reasonLate        tlsReason = "the handshake took too long"
	reasonIdle        tlsReason = "nothing moved"
	reasonCertificate tlsReason = "the peer's certificate is not good"
	reasonStaple      tlsReason = "the OCSP response is not good"
	reasonTold        tlsReason = "the peer has sent an alert"
	reasonProtocol    tlsReason = "the peer breaks the protocol, or agrees to nothing"
	reasonCut         tlsReason = "the stream was cut off"
	reasonReset       tlsReason = "the connection was reset"
	reasonRefused     tlsReason = "the connection was refused"
	reasonUnreachable tlsReason = "the peer could not be reached"
	reasonUnknown     tlsReason = "something else"
	reasonResources   tlsReason = "descriptors or memory ran out"
)

// tlsReasonOf returns what kind of error err is.
func tlsReasonOf(err error) tlsReason {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		invalid      x509.CertificateInvalidError
		op           *net.OpError
		record       tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, evtls.ErrHandshakeTimeout):
		return reasonLate
	case errors.Is(err, evcert.ErrNoStaple), errors.Is(err, evcert.ErrStapleExpired), errors.Is(err, evcert.ErrRevoked):
		return reasonStaple
	case errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &invalid):
		return reasonCertificate
	case errors.Is(err, io.ErrUnexpectedEOF):
		return reasonCut
	case errors.As(err, &op) && op.Op == "remote error":
		return reasonTold
	case evutil.IsConnectRefused(err):
		return reasonRefused
	case isTimedOut(err), isUnreachable(err):
		return reasonUnreachable
	case evutil.IsDisconnect(err), errors.Is(err, bufferevent.ErrNoPartner):
		return reasonReset
	case isExhausted(err):
		return reasonResources
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reasonIdle
	case errors.As(err, &record), errors.As(err, &op) && op.Op == "local error", strings.Contains(err.Error(), "tls: "):
		return reasonProtocol // crypto/tls has no type for most errors
	}
	return reasonUnknown
}

// deadly reports whether faults end connections, or keep them from being made.
func deadly(f evtest.Faults) bool {
	return f.Refuse+f.Vanish+f.Reset+f.NoDescriptors+f.NoBuffers > 0
}

// wantReason fails the test if an end has failed for a reason that is not true.
func (e *tlsEnd) wantReason(reason tlsReason, err error) {
	c := e.call
	peer, faults := e.peer, c.world.Faults()
	gone := peer.state == tlsEnded || c.cut || c.accident
	holds := false
	switch reason {
	case reasonLate:
		limit := e.habit.handshake
		if slices.Contains(c.layers, layerTLS) && (limit < 0 || limit > evtls.DefaultHandshakeTimeout) {
			limit = evtls.DefaultHandshakeTimeout
		}
		holds = !e.connected && limit > 0 && time.Since(e.began) >= limit
	case reasonIdle:
		holds = time.Since(e.moved) >= e.habit.idle
	case reasonCertificate, reasonStaple:
		holds = c.refusal(e, time.Now(), reason) || c.tampered[e.side]
	case reasonTold:
		holds = true // see wantTeller: the peer may not have been told itself yet
	case reasonProtocol:
		holds = c.disagreement() || c.tampered[e.side]
	case reasonCut:
		// A reset is told once: who has met it writing finds an end reading.
		holds = c.cut || c.accident || e.unwritable || e.habit.blocking && faults.Reset > 0 || peer.state == tlsEnded && (!peer.said || peer.broken() || !e.connected)
	case reasonReset:
		holds = gone || faults.Reset > 0
	case reasonRefused:
		holds = faults.Refuse > 0 || c.unserved || c.accident || faults.NoDescriptors > 0
	case reasonUnreachable:
		holds = faults.Vanish > 0 || c.accident
	case reasonResources:
		holds = faults.NoDescriptors+faults.NoBuffers > 0
	}
	if !holds {
		c.world.T().Errorf("%v: fails with %q, which is not so: %v", e, reason, err)
	}
}

// wantTeller fails the test if an alert was not sent by the peer, which does so
// only if it has found something wrong.
func (e *tlsEnd) wantTeller() {
	if e.told == nil || e.call.tampered[e.side] || e.call.accident {
		return
	}
	switch e.peer.reason {
	case reasonCertificate, reasonStaple, reasonProtocol:
	default:
		e.errorf("was told %v by a peer that has ended with %q", e.told, e.peer.reason)
	}
}

// broken reports whether an end has failed rather than ended in order.
func (e *tlsEnd) broken() bool { return e.reason != "" }

// isFreed reports whether err is what operations fail with whose base was freed.
func isFreed(err error) bool { return errors.Is(err, event.ErrFreed) }
