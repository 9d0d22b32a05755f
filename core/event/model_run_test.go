package event_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A modelRun does the same things to a base and to a model of it, and compares
// what comes of them: which callbacks run, when, in which order and with what,
// and after each loop what is pending, active and counted. A script says what
// is done; callbacks go on with it at where it is when they run.
//
// There is no time in it: timeouts have passed when they start, or take days.
type modelRun struct {
	t      *testing.T
	script []byte
	err    error // the first disagreement
	log    []string

	base     *event.Base
	events   [numEvents]event.Event
	deferred [numDeferred]event.Deferred
	commons  []*event.CommonTimeout
	pairs    [numConns][2]int

	model      *model
	names      int
	posts      int
	iterations int // of the loop that runs
	finalizers int // how many ran
}

const (
	numEvents   = 6
	numDeferred = 3
	numConns    = 3
)

// timeouts are those that a script can choose: passed, gone by the next look
// at the clock, or far away.
var timeouts = []time.Duration{0, -time.Hour, shortest(), 24 * time.Hour, 48 * time.Hour}

// shortest is one tick of a clock that is fine enough to tell when a system
// call began from when it ended, or else nothing.
func shortest() time.Duration {
	if runtime.GOOS == "linux" {
		return time.Nanosecond
	}
	return 0
}

// The operations that a script is made of. Each is followed by the bytes that
// its method takes.
const (
	opAssign = iota
	opAdd
	opAddTimeout
	opAddCommon
	opDel
	opRemoveTimer
	opActivate
	opSetPriority
	opFree
	opFinalize
	opOnce
	opSchedule
	opCancel
	opSetDeferredPriority
	opPost
	opSend
	opReceive
	opShutdown
	opReopen
	opActiveByFD
	opAddVirtual
	opDelVirtual
	opSetPriorities
	opCompare
	opClearMax
	opLoopExit
	opLoopBreak
	opLoopContinue
	opReinit
	opLoop
	numOps
)

// step does one operation.
func (p *modelRun) step() {
	ops := [numOps]func(){
		opAssign:              p.assign,
		opAdd:                 p.add,
		opAddTimeout:          p.addTimeout,
		opAddCommon:           p.addCommon,
		opDel:                 p.del,
		opRemoveTimer:         p.removeTimer,
		opActivate:            p.activate,
		opSetPriority:         p.setPriority,
		opFree:                p.free,
		opFinalize:            p.finalize,
		opOnce:                p.once,
		opSchedule:            p.schedule,
		opCancel:              p.cancel,
		opSetDeferredPriority: p.setDeferredPriority,
		opPost:                p.post,
		opSend:                p.send,
		opReceive:             p.receive,
		opShutdown:            p.shutdown,
		opReopen:              p.reopen,
		opActiveByFD:          p.activeByFD,
		opAddVirtual:          p.addVirtual,
		opDelVirtual:          p.delVirtual,
		opSetPriorities:       p.setPriorities,
		opCompare:             p.compare,
		opClearMax:            p.clearMax,
		opLoopExit:            p.loopExit,
		opLoopBreak:           p.loopBreak,
		opLoopContinue:        p.loopContinue,
		opReinit:              p.reinit,
		opLoop:                p.loop,
	}
	ops[p.next(numOps)]()
}

func newModelRun(t *testing.T, script []byte) *modelRun {
	p := &modelRun{t: t, script: script}
	stages := stages()
	on := stages[p.next(len(stages))]
	if on.locked {
		enableLocks(t)
	}
	priorities, limits := 1+p.next(3), p.next(6)
	cfg := on.config()
	cfg.MaxDispatchCallbacks = []int{0, 1, 3}[limits%3]
	cfg.LimitCallbacksAfterPriority = limits / 3
	p.note("%v, %d priorities, limits %d", on, priorities, limits)

	p.base = newBase(t, cfg)
	ok(t, p.base.SetPriorities(priorities))
	p.base.NewPrepare(p.prepare)
	p.base.NewCheck(func(*event.Watcher, event.CheckInfo) { p.model.check() })
	p.model = &model{
		priorities: priorities,
		limit:      cfg.MaxDispatchCallbacks,
		limitFrom:  cfg.LimitCallbacksAfterPriority,
		early:      p.base.Features()&event.FeatureEarlyClose != 0,
		conns:      make([]conn, numConns),
		running:    -1,
	}
	p.cast()
	return p
}

// stages are the backends that plays are put on: not wepoll, which hears of what
// is ready by messages that may come an iteration late. Locks are slow, and so
// they are there with only one of them.
func stages() []backend {
	all := slices.DeleteFunc(backends(), func(on backend) bool { return on.method == "wepoll" })
	return slices.DeleteFunc(all, func(on backend) bool {
		return on.locked && (on.method != all[0].method || on.flags != 0)
	})
}

// cast makes the events and what they need.
func (p *modelRun) cast() {
	for i := range p.pairs {
		p.pairs[i][0], p.pairs[i][1] = socketPair(p.t)
	}
	for i := range p.events {
		p.events[i].Data = p.newSubject()
		p.assignEvent(&p.events[i], i%(numConns+1), 7*i%len(whats))
	}
	for i := range p.deferred {
		s := p.newSubject()
		s.kind, s.priority = deferred, i
		p.deferred[i].Init(p.base, i, func(*event.Deferred) { p.callback(s, 0) })
		p.deferred[i].Data = s
	}
	for _, d := range timeouts {
		ct, err := p.base.InitCommonTimeout(d)
		ok(p.t, err)
		p.commons = append(p.commons, ct)
	}
}

func (p *modelRun) newSubject() *subject {
	s := &subject{name: p.names, conn: -1}
	p.names++
	p.model.subjects = append(p.model.subjects, s)
	return s
}

// next takes a number less than n from the script; it is zero after the end.
func (p *modelRun) next(n int) int {
	if len(p.script) == 0 {
		return 0
	}
	b := p.script[0]
	p.script = p.script[1:]
	return int(b) % n
}

func (p *modelRun) nextEvent() (*event.Event, *subject) {
	ev := &p.events[p.next(numEvents)]
	return ev, ev.Data.(*subject)
}

func (p *modelRun) nextDeferred() (*event.Deferred, *subject) {
	d := &p.deferred[p.next(numDeferred)]
	return d, d.Data.(*subject)
}

func (p *modelRun) nextWhat() event.What {
	const all = event.Timeout | event.Read | event.Write | event.Closed
	return event.What(p.next(256)) & all
}

// note writes the log that explains a disagreement.
func (p *modelRun) note(format string, args ...any) {
	if testing.Verbose() {
		p.log = append(p.log, fmt.Sprintf(format, args...))
	}
}

// fail ends the run: not at once, because the loop may be running.
func (p *modelRun) fail(err error) {
	if p.err == nil && err != nil {
		p.err = err
		p.script = nil
		p.base.LoopBreak()
	}
}

// agree compares the errors of an operation.
func (p *modelRun) agree(op string, s *subject, got, want error) {
	p.note("%s %d: %v", op, s.name, got)
	if want == nil && got != nil || !errors.Is(got, want) {
		p.fail(fmt.Errorf("%s %d: got error %v, want %v", op, s.name, got, want))
	}
}

// agreeOn compares anything else.
func agreeOn[T comparable](p *modelRun, what string, got, want T) {
	if got != want {
		p.fail(fmt.Errorf("%s: got %v, want %v", what, got, want))
	}
}

// whats is what an event can wait for.
var whats = []event.What{
	0, event.Read, event.Write, event.Closed, event.Read | event.Write, event.Read | event.Closed,
	event.Persist, event.Read | event.Persist, event.Write | event.Persist,
	event.Closed | event.Persist, event.Read | event.Write | event.Persist,
}

// assign takes an event, a connection, which may be none, and an index into whats.
func (p *modelRun) assign() {
	ev, _ := p.nextEvent()
	p.assignEvent(ev, p.next(numConns+1), p.next(len(whats)))
}

func (p *modelRun) assignEvent(ev *event.Event, conn, w int) {
	s := ev.Data.(*subject)
	fd, what := -1, whats[w]
	if conn < numConns {
		fd = p.pairs[conn][0]
	} else {
		conn, what = -1, what&^anyIO
	}
	err := ev.Assign(p.base, fd, what, func(got *event.Event, what event.What) {
		if got != ev || p.base.RunningEvent() != ev {
			p.fail(fmt.Errorf("callback of %d got %v while %v ran", s.name, got, p.base.RunningEvent()))
		}
		p.callback(s, what)
	})
	p.agree(fmt.Sprintf("assign fd %d %v to", fd, what), s, err, p.model.assign(s, conn, what))
}

func (p *modelRun) add() {
	ev, s := p.nextEvent()
	p.agree("add", s, ev.Add(), p.model.add(s))
}

func (p *modelRun) addTimeout() {
	ev, s := p.nextEvent()
	d := timeouts[p.next(len(timeouts))]
	p.agree(fmt.Sprint("add timeout ", d), s, ev.AddTimeout(d), p.model.addTimeout(s, d))
}

func (p *modelRun) addCommon() {
	ev, s := p.nextEvent()
	ct := p.commons[p.next(len(p.commons))]
	p.agree(fmt.Sprint("add common ", ct.Duration()), s, ev.AddCommon(ct), p.model.addTimeout(s, ct.Duration()))
}

func (p *modelRun) del() {
	ev, s := p.nextEvent()
	del := []func() error{ev.Del, ev.DelBlock, ev.DelNoBlock}[p.next(3)]
	p.agree("del", s, del(), p.model.del(s))
}

func (p *modelRun) removeTimer() {
	ev, s := p.nextEvent()
	p.agree("remove timer", s, ev.RemoveTimer(), p.model.removeTimer(s))
}

func (p *modelRun) activate() {
	ev, s := p.nextEvent()
	what := p.nextWhat()
	if !s.assigned || s.kind == finalizer {
		return
	}
	p.note("activate %d: %v", s.name, what)
	ev.Activate(what)
	p.model.activate(s, what)
}

func (p *modelRun) setPriority() {
	ev, s := p.nextEvent()
	pri := p.next(4)
	p.agree(fmt.Sprint("set priority ", pri), s, ev.SetPriority(pri), p.model.setPriority(s, pri))
}

func (p *modelRun) free() {
	ev, s := p.nextEvent()
	p.note("free %d", s.name)
	ev.Free()
	p.model.free(s)
}

func (p *modelRun) finalize() {
	ev, s := p.nextEvent()
	err := ev.Finalize(func(got *event.Event) {
		if got != ev || p.base.RunningEvent() != nil {
			p.fail(fmt.Errorf("finalizer of %d got %v while %v ran", s.name, got, p.base.RunningEvent()))
		}
		p.finalizers++
		p.callback(s, event.Finalize)
	})
	p.agree("finalize", s, err, p.model.finalize(s))
}

// once lets something run that is only known to the base.
func (p *modelRun) once() {
	s := p.newSubject()
	d := timeouts[p.next(len(timeouts))]
	err := p.base.Once(-1, event.Timeout, d, func(_ *event.Event, what event.What) { p.callback(s, what) })
	p.model.once(s, d)
	p.agree(fmt.Sprint("once ", d), s, err, nil)
}

func (p *modelRun) schedule() {
	d, s := p.nextDeferred()
	p.note("schedule %d", s.name)
	agreeOn(p, "scheduled", d.Schedule(), p.model.schedule(s))
}

func (p *modelRun) cancel() {
	d, s := p.nextDeferred()
	p.note("cancel %d", s.name)
	agreeOn(p, "cancelled", d.Cancel(), p.model.cancel(s))
}

func (p *modelRun) setDeferredPriority() {
	d, s := p.nextDeferred()
	pri := p.next(4)
	p.note("set priority of deferred %d: %d", s.name, pri)
	d.SetPriority(pri)
	if !p.model.due(s) {
		s.priority = pri
	}
}

func (p *modelRun) post() {
	id := p.posts
	p.posts++
	p.note("post %d", id)
	ok(p.t, p.base.Post(func() {
		p.note("post %d runs", id)
		p.fail(p.model.startPost(id))
		p.act()
	}))
	p.model.post(id)
}

// send, receive and shutdown are what the peer does, or the reader.

func (p *modelRun) send() {
	i := p.next(numConns)
	if p.model.conns[i].eof || p.model.conns[i].unread > 100 {
		return
	}
	p.note("send to %d", i)
	send(p.t, p.pairs[i][1], p.pairs[i][0], "x")
	p.model.conns[i].unread++
}

func (p *modelRun) receive() { p.receiveAt(p.next(numConns)) }

func (p *modelRun) receiveAt(i int) {
	p.note("receive from %d", i)
	data, eof := readAll(p.t, p.pairs[i][0])
	agreeOn(p, "received", len(data), p.model.conns[i].unread)
	agreeOn(p, "end of file", eof, p.model.conns[i].eof)
	p.model.conns[i].unread = 0
}

func (p *modelRun) shutdown() {
	i := p.next(numConns)
	if p.model.conns[i].eof {
		return
	}
	p.receiveAt(i)
	p.note("shutdown %d", i)
	shutdown(p.t, p.pairs[i][1], p.pairs[i][0])
	p.model.conns[i].eof = true
}

// reopen replaces a connection by a new one, which often gets the numbers of
// the old one. Its events are deleted before, as they must be.
func (p *modelRun) reopen() {
	i := p.next(numConns)
	old := p.pairs[i]
	var here []*event.Event
	for j := range p.events {
		if ev := &p.events[j]; ev.Data.(*subject).conn == i {
			here = append(here, ev)
			s := ev.Data.(*subject)
			p.agree("del", s, ev.Del(), p.model.del(s))
		}
	}
	closeFD(p.t, old[0])
	closeFD(p.t, old[1])
	p.pairs[i][0], p.pairs[i][1] = socketPair(p.t)
	p.model.conns[i] = conn{}
	p.note("reopen %d: %v is now %v", i, old, p.pairs[i])
	if p.pairs[i][0] != old[0] {
		for _, ev := range here {
			ev.Free()
			p.model.free(ev.Data.(*subject))
		}
	}
}

func (p *modelRun) activeByFD() {
	i, what := p.next(numConns), p.nextWhat()
	if p.model.activeByFD(i, what) {
		p.note("active by fd %d: %v", i, what)
		p.base.ActiveByFD(p.pairs[i][0], what)
	}
}

func (p *modelRun) addVirtual() {
	p.note("add virtual")
	p.base.AddVirtual()
	p.model.virtual++
}

func (p *modelRun) delVirtual() {
	if p.model.virtual > 0 {
		p.note("del virtual")
		p.base.DelVirtual()
		p.model.virtual--
	}
}

// setPriorities is for a loop that rests.
func (p *modelRun) setPriorities() {
	n := p.next(4)
	if p.model.looping {
		return
	}
	got, want := p.base.SetPriorities(n), p.model.setPriorities(n)
	p.note("set priorities %d: %v", n, got)
	if !errors.Is(got, want) {
		p.fail(fmt.Errorf("set priorities %d: got error %v, want %v", n, got, want))
	}
}

// reinit changes nothing that can be seen.
func (p *modelRun) reinit() {
	var want error
	if p.model.looping {
		want = event.ErrRunning
	}
	got := p.base.Reinit()
	p.note("reinit: %v", got)
	if !errors.Is(got, want) {
		p.fail(fmt.Errorf("reinit: got error %v, want %v", got, want))
	}
}

func (p *modelRun) clearMax() {
	p.base.MaxEvents(true, event.CountActive, event.CountAdded)
	p.model.drain()
	p.model.maxActive, p.model.maxAdded = 0, 0
	p.model.count()
}

func (p *modelRun) loopExit() {
	p.note("loop exit")
	ok(p.t, p.base.LoopExit(0))
	p.model.loopExit()
}

func (p *modelRun) loopBreak() {
	p.note("loop break")
	p.base.LoopBreak()
	p.model.loopBreak()
}

func (p *modelRun) loopContinue() {
	p.note("loop continue")
	p.base.LoopContinue()
	p.model.continuing = true
}

// loop runs the loop, and in a callback finds that it cannot.
func (p *modelRun) loop() {
	flags := event.LoopFlag(p.next(8))
	if p.model.looping {
		if _, err := p.base.Loop(flags); !errors.Is(err, event.ErrRunning) {
			p.fail(fmt.Errorf("loop in a callback: got error %v, want %v", err, event.ErrRunning))
		}
		return
	}
	p.note("loop %b", flags)
	p.iterations = 0
	p.model.begin(flags)
	status, err := p.base.Loop(flags)
	p.fail(err)
	p.note("loop ended with %d", status)
	p.fail(p.model.end(status))
	p.compare()
}

// maxIterations is when a loop is ended that may well go on for ever.
const maxIterations = 20

// prepare is where the loop would wait, so it must not do that for ever.
func (p *modelRun) prepare(_ *event.Watcher, info event.PrepareInfo) {
	p.note("iteration")
	wait, err := p.model.prepare()
	p.fail(err)
	p.fail(wait.compare(info))
	p.iterations++
	if p.iterations > maxIterations || p.model.wouldHang(wait) {
		p.loopBreak()
	}
}

// compare finds whether the loop is going to wait for the time that it should.
func (d deadline) compare(info event.PrepareInfo) error {
	wait, limited := info.Timeout()
	if d == never && !limited || limited && (d == soon && wait < time.Microsecond || d == far && wait > time.Hour) {
		return nil
	}
	return fmt.Errorf("the loop is going to wait %v (%v), want kind %d", wait, limited, d)
}

// callback is the callback of everything but posts.
func (p *modelRun) callback(s *subject, what event.What) {
	p.note("callback of %d: %v", s.name, what)
	p.fail(p.model.start(s, what))
	p.act()
	p.model.finish()
	p.note("returns")
}

// act goes on with the script inside of a callback.
func (p *modelRun) act() {
	for n := p.next(4); n > 0; n-- {
		p.step()
	}
}

// end frees the base in the state in which the run has left it, and says
// what went wrong, if anything did.
func (p *modelRun) end() {
	if p.err == nil {
		p.compare()
		p.freeBase()
	}
	if p.err != nil {
		p.t.Fatalf("%v\n%s", p.err, strings.Join(p.log, "\n"))
	}
}

// freeBase frees the base and looks whether the finalizers have run that were
// due, and nothing else.
func (p *modelRun) freeBase() {
	due := 0
	for _, s := range p.model.subjects {
		if s.kind == finalizer {
			due++
		}
	}
	p.finalizers = 0
	p.model.freed = true
	p.base.Free()
	agreeOn(p, "finalizers that ran", p.finalizers, due)
	for i := range p.events {
		if s := p.events[i].Data.(*subject); s.assigned && !errors.Is(p.events[i].Add(), event.ErrFreed) {
			p.fail(fmt.Errorf("event %d can be added to a freed base", s.name))
		}
	}
}
