package evdns

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// An outcome is what the callback of a request is to be told.
type outcome struct {
	r       *Request
	answer  Answer
	message *dns.Msg
	err     error
}

// tell has the callback of r called by the loop.
func (b *Base) tell(r *Request, o outcome) {
	o.r = r
	o.answer.Type = answerType(r.qtype)
	b.sortlist.arrange(o.answer.Addrs)
	if o.err != nil {
		o.err = r.describe(o.err)
	}
	b.done = append(b.done, o)
	b.deferral.Schedule()
}

// runDone calls the callbacks that are due. Those that become due meanwhile
// have to wait for the loop's next turn, so that requests that are answered
// from memory cannot keep it from everything else.
func (b *Base) runDone(*event.Deferred) {
	b.lock()
	defer b.unlock()
	n := len(b.done)
	i := 0
	defer func() { b.doneUntil(i) }() // also if a callback panics
	for ; i < n && !b.event.GotBreak(); i++ {
		o := b.done[i]
		b.done[i] = outcome{}
		b.call(&o)
	}
}

// doneUntil removes the first n outcomes.
func (b *Base) doneUntil(n int) {
	rest := copy(b.done, b.done[n:])
	clear(b.done[rest:])
	b.done = b.done[:rest]
	if rest > 0 {
		b.deferral.Schedule()
	} else if cap(b.done) > maxIdle {
		b.done = nil
	}
}

// call calls the callback, without the lock.
func (b *Base) call(o *outcome) {
	r := o.r
	if r == nil {
		return // it has panicked
	}
	callback, more := r.callback, r.rare
	b.unlock()
	defer b.lock()
	if callback == nil {
		more.message(o.message, o.err)
		return
	}
	callback(o.answer, o.err)
	if name := o.answer.CanonName; r.flags&CNAMECallback != 0 && name != "" {
		callback(Answer{Type: TypeCNAME, Names: []string{name}, CanonName: name, TTL: o.answer.TTL}, nil)
	}
}

// A failure is the error of a lookup. It is put into words only when somebody
// asks for them.
type failure struct {
	name   string
	qtype  uint16
	server netip.AddrPort // that was asked last, or zero
	cause  error          // what was wrong with the way there, or nil
	err    error
}

func lookupError(name string, qtype uint16, err error) error {
	return &failure{name: name, qtype: qtype, err: err}
}

// describe says what err is about.
func (r *Request) describe(err error) error {
	if _, ok := err.(*failure); ok {
		return err // it is already
	}
	f := &failure{name: r.name, qtype: r.qtype, err: err}
	if r.server != nil {
		f.server = r.server.addr
	}
	if t := r.pastTrouble(); t != nil && (err == ErrTimeout || err == ErrUnreachable) {
		f.cause = t.err
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

// Timeout says whether waiting was what went wrong, as in net.Error.
func (f *failure) Timeout() bool { return errors.Is(f.err, ErrTimeout) }
