package simulation_test

import (
	"net/http/httptrace"
	"net/textproto"
	"sync"
)

// A webTrace is what a transport has told of a request.
type webTrace struct {
	mu        sync.Mutex
	plan      *webPlan
	wanted    int // connections
	got       int
	headers   int
	sent      int
	first     int
	infos     int // 103
	continues int // waited for
	order     string
}

func (t *webTrace) note(count *int, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*count++
	t.order += what
}

// hooks returns the callbacks.
func (t *webTrace) hooks(s *webScene) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.note(&t.wanted, "w") },
		GotConn: func(info httptrace.GotConnInfo) {
			t.note(&t.got, "g")
			if info.Conn == nil || info.Conn.RemoteAddr() == nil || info.Conn.LocalAddr() == nil {
				s.errorf("plan %d: a connection without addresses", t.plan.id)
			}
		},
		WroteHeaders:         func() { t.note(&t.headers, "h") },
		WroteRequest:         func(httptrace.WroteRequestInfo) { t.note(&t.sent, "s") },
		GotFirstResponseByte: func() { t.note(&t.first, "f") },
		Wait100Continue:      func() { t.note(&t.continues, "c") },
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			if code == 103 {
				t.note(&t.infos, "i")
			}
			return nil
		},
	}
}

// check checks the trace of a request that was answered by its handler.
func (t *webTrace) check(s *webScene) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.plan
	switch {
	case t.wanted == 0 || t.got == 0 || t.headers == 0 || t.first == 0:
		s.errorf("plan %d: the trace of an answered request is %q", p.id, t.order)
	case t.got < t.headers || t.headers < t.sent:
		s.errorf("plan %d: the trace is %q", p.id, t.order)
	case t.continues > 0 && !p.expect:
		s.errorf("plan %d: the trace is %q, but nothing waits", p.id, t.order)
	case t.infos != p.infos && s.clean && p.harmless() && t.got == 1:
		s.errorf("plan %d: %d early hints in the trace, not %d", p.id, t.infos, p.infos)
	}
}
