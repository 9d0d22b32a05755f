package event_test

import (
	"errors"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A model is a base that is easy to believe: it has no kernel and no clock,
// and finds what it needs by looking at everything.
//
// It does not say by itself what runs next, because some of that is nobody's
// business: in which order descriptors that are ready at once are served, or
// timeouts that pass at once. It follows a real base instead, is told what the
// base does (begin, prepare, check, start and so on), and objects if that is
// not what a base may do, or leaves out what it must do.
type model struct {
	subjects []*subject
	conns    []conn

	// What Config and SetPriorities said.
	priorities int
	limit      int  // MaxDispatchCallbacks
	limitFrom  int  // LimitCallbacksAfterPriority
	early      bool // the method has FeatureEarlyClose

	// What is due, in the order in which it became active: later is for the
	// next iteration. What others asked for, in the order in which they did.
	active []*subject
	later  []*subject
	inbox  []*subject
	posts  []int
	batch  int // tells apart what became active one after the other

	virtual   int
	maxActive int
	maxAdded  int

	exitAsked, exiting bool
	breaking           bool
	continuing         bool
	freed              bool

	// The loop that runs, and the pass over what is due.
	flags     event.LoopFlag
	looping   bool
	iterated  bool
	passing   bool
	hadWork   bool
	turn      int // how many posts this pass may run
	last      int // how many more because the loop exits, or -1 before that
	posted    int // how many it ran
	tasks     int // how many active subjects it ran
	running   int // the priority that it runs, or -1
	activated int // how often its callbacks made something active
}

// A subject is an event or a deferred callback.
type subject struct {
	name     int
	kind     subjectKind
	what     event.What
	conn     int // of its descriptor, or -1
	priority int

	assigned bool
	waiting  bool // for its descriptor
	timeout  deadline
	interval deadline // of a persistent event's timeout

	result event.What // what the callback will be told
	batch  int        // subjects of one batch run in any order
	asked  bool       // by Activate, and the loop does not know yet
	ask    event.What
}

type subjectKind uint8

const (
	oneShot subjectKind = iota
	persistent
	finalizer // an event that Finalize was called on
	deferred
)

// A deadline is as much as the model knows about time: what is soon has passed
// when the loop looks next, and what is far never passes.
type deadline uint8

const (
	never deadline = iota
	soon
	far
)

func deadlineOf(d time.Duration) deadline {
	if d > time.Minute {
		return far
	}
	return soon
}

// A conn is one end of a connection, which a descriptor stands for.
type conn struct {
	unread int
	eof    bool
}

func (p conn) ready() event.What {
	is := event.Write
	if p.unread > 0 || p.eof {
		is |= event.Read
	}
	if p.eof {
		is |= event.Closed
	}
	return is
}

const anyIO = event.Read | event.Write | event.Closed

func (s *subject) added() bool { return s.waiting || s.timeout != never }

func (m *model) due(s *subject) bool {
	return slices.Contains(m.active, s) || slices.Contains(m.later, s)
}

// pending is what Event.Pending should say.
func (m *model) pending(s *subject) event.What {
	if !s.assigned {
		return 0
	}
	var is event.What
	if s.waiting {
		is |= s.what & anyIO
	}
	if s.timeout != never {
		is |= event.Timeout
	}
	if m.due(s) {
		is |= s.result
	}
	if s.asked {
		is |= s.ask
	}
	return is & (anyIO | event.Timeout)
}

func (m *model) added() int {
	n := 0
	for _, s := range m.subjects {
		if s.added() {
			n++
		}
	}
	return n
}

func (m *model) activeCount() int { return len(m.active) + len(m.later) }

// count notes the highest values of the counts.
func (m *model) count() {
	m.maxActive = max(m.maxActive, m.activeCount())
	m.maxAdded = max(m.maxAdded, m.added())
}

// The operations on an event, as Event has them.

func (m *model) assign(s *subject, conn int, what event.What) error {
	if s.added() || m.due(s) || s.asked {
		return event.ErrPending
	}
	*s = subject{
		name: s.name, conn: conn, what: what,
		priority: m.priorities / 2, assigned: true,
	}
	if what&event.Persist != 0 {
		s.kind = persistent
	}
	return nil
}

func (m *model) add(s *subject) error {
	if !s.assigned {
		return event.ErrNotAssigned
	}
	if s.kind == finalizer {
		return event.ErrFinalizing
	}
	if s.what&event.Closed != 0 && !m.early {
		return errors.ErrUnsupported
	}
	s.waiting = s.what&anyIO != 0
	m.count()
	return nil
}

func (m *model) addTimeout(s *subject, d time.Duration) error {
	if err := m.add(s); err != nil {
		return err
	}
	s.interval = never
	if s.kind == persistent && d > 0 {
		s.interval = deadlineOf(d)
	}
	if m.due(s) && s.result&event.Timeout != 0 {
		m.cancel(s) // the timeout that it is active for is not the one it has
	}
	s.timeout = deadlineOf(d)
	m.count()
	return nil
}

func (m *model) del(s *subject) error {
	if !s.assigned {
		return event.ErrNotAssigned
	}
	if s.kind == finalizer {
		return nil
	}
	s.waiting, s.timeout, s.interval, s.asked = false, never, never, false
	m.cancel(s)
	return nil
}

func (m *model) removeTimer(s *subject) error {
	if !s.assigned {
		return event.ErrNotAssigned
	}
	if s.timeout != never {
		s.timeout, s.interval = never, never
	}
	return nil
}

// activate must not be called for an event that is not assigned.
func (m *model) activate(s *subject, what event.What) {
	if !s.asked {
		s.ask = 0
		m.inbox = append(m.inbox, s)
	}
	s.asked = true
	s.ask |= what
}

func (m *model) setPriority(s *subject, priority int) error {
	if !s.assigned {
		return event.ErrNotAssigned
	}
	if slices.Contains(m.active, s) {
		return event.ErrPending
	}
	if priority >= m.priorities {
		return event.ErrBadPriority
	}
	s.priority = priority
	return nil
}

func (m *model) free(s *subject) {
	if s.assigned && s.kind != finalizer {
		m.del(s)
		s.assigned = false
	}
}

func (m *model) finalize(s *subject) error {
	if !s.assigned {
		return event.ErrNotAssigned
	}
	if s.kind == finalizer {
		return event.ErrFinalizing
	}
	m.del(s)
	m.becomeActive(s, event.Finalize)
	s.kind = finalizer
	return nil
}

// once adds an event that only the base knows.
func (m *model) once(s *subject, d time.Duration) {
	s.priority, s.assigned = m.priorities/2, true
	if d > 0 {
		m.addTimeout(s, d)
	} else {
		m.becomeActive(s, event.Timeout)
	}
}

// The operations on a deferred callback.

func (m *model) schedule(s *subject) bool {
	if m.due(s) {
		return false
	}
	m.becomeActive(s, 0)
	return true
}

// cancel takes back what is due.
func (m *model) cancel(s *subject) bool {
	if !m.due(s) {
		return false
	}
	same := func(other *subject) bool { return other == s }
	m.active = slices.DeleteFunc(m.active, same)
	m.later = slices.DeleteFunc(m.later, same)
	return true
}

// The operations on the base.

func (m *model) post(id int) {
	m.posts = append(m.posts, id)
}

func (m *model) loopExit() { m.exitAsked = true }

func (m *model) loopBreak() { m.breaking = true }

func (m *model) setPriorities(n int) error {
	if n < 1 {
		return event.ErrBadPriority
	}
	if m.activeCount() > 0 {
		return event.ErrPending
	}
	m.priorities = n
	return nil
}

// activeByFD reports whether it can tell what happens: not if only some of
// the events on the descriptor can be made active in this pass.
func (m *model) activeByFD(conn int, what event.What) bool {
	hit := make(map[*subject]event.What)
	for _, s := range m.subjects {
		if !s.waiting || s.conn != conn {
			continue
		}
		got := s.what & what & anyIO
		if s.timeout != never {
			got |= what & event.Timeout
		}
		if got != 0 {
			hit[s] = got
		}
	}
	if m.running >= 0 && m.activated+len(hit) > event.MaxInPass {
		return false
	}
	m.inOneBatch(hit)
	return true
}

// inOneBatch makes subjects active in no particular order.
func (m *model) inOneBatch(hit map[*subject]event.What) {
	m.batch++
	batch := m.batch
	for _, s := range m.subjects {
		what, isHit := hit[s]
		if !isHit {
			continue
		}
		wasDue := m.due(s)
		m.becomeActive(s, what)
		if !wasDue {
			s.batch = batch
		}
	}
}

// becomeActive makes something due.
func (m *model) becomeActive(s *subject, what event.What) {
	if s.kind == finalizer {
		return
	}
	if m.due(s) {
		s.result |= what
		return
	}
	m.batch++
	s.result, s.batch = what, m.batch
	if s.priority < m.running {
		m.continuing = true
	}
	if m.running >= 0 {
		m.activated++
	}
	if m.activated > event.MaxInPass {
		m.later = append(m.later, s)
	} else {
		m.pushActive(s)
	}
	m.count()
}

func (m *model) pushActive(s *subject) {
	s.priority = min(s.priority, m.priorities-1)
	m.active = append(m.active, s)
}

// drain looks into the inbox.
func (m *model) drain() {
	inbox := m.inbox
	m.inbox = nil
	for _, s := range inbox {
		if s.asked {
			s.asked = false
			if s.assigned {
				m.becomeActive(s, s.ask)
			}
		}
	}
	if m.looping && m.exitAsked {
		m.exiting, m.exitAsked = true, false
	}
}
