package evrpc

import (
	"slices"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A HookType says which way the messages go that a hook sees (enum EVRPC_HOOK_TYPE).
type HookType uint8

const (
	// InputHook is for what comes from the peer, before it is decoded (EVRPC_INPUT).
	InputHook HookType = iota
	// OutputHook is for what goes to the peer, after it was encoded (EVRPC_OUTPUT).
	OutputHook
)

// A HookResult says how a call goes on after a hook (enum EVRPC_HOOK_RESULT).
type HookResult int8

const (
	// HookTerminate ends the call. A server answers 503, a client's call fails with
	// StatusUnstarted or StatusHookAborted (EVRPC_TERMINATE).
	HookTerminate HookResult = iota - 1
	// HookContinue goes on, with the next hook (EVRPC_CONTINUE).
	HookContinue
	// HookPause leaves the call as it is until [Exchange.Resume] (EVRPC_PAUSE).
	HookPause
)

// A HookFunc looks at a message, and may change it: the body, and the header fields of
// x.HTTP().
type HookFunc func(x *Exchange, body *evbuffer.Buffer) HookResult

// A Hook is a function that a server or a pool has for one direction.
type Hook struct {
	fn   HookFunc
	list *hookList // or nil when it was removed
}

// Remove undoes AddHook, and reports whether the hook was still there. It is not called any
// more, also for calls that are paused in front of it (evrpc_remove_hook).
func (h *Hook) Remove() bool {
	l := h.list
	if l == nil {
		return false
	}
	h.list = nil
	i := slices.Index(l.hooks, h)
	l.hooks = slices.Concat(l.hooks[:i], l.hooks[i+1:])
	return true
}

// A hookList has the hooks of one direction, in the order in which they were added. Calls
// on their way through the list have it as it was: its slice is never changed, but replaced.
type hookList struct{ hooks []*Hook }

func (l *hookList) add(fn HookFunc) *Hook {
	h := &Hook{fn, l}
	l.hooks = append(l.hooks[:len(l.hooks):len(l.hooks)], h)
	return h
}

// hooks are those of a server or a pool, by direction.
type hooks [OutputHook + 1]hookList

func (hs *hooks) add(t HookType, fn HookFunc) (*Hook, error) {
	if t > OutputHook || fn == nil {
		return nil, opError("add hook", "", ErrInvalid)
	}
	return hs[t].add(fn), nil
}

// pass takes the message in body through hooks. When they have done with it, the side of the
// exchange is told.
func (x *Exchange) pass(l *hookList, body *evbuffer.Buffer) error {
	x.ahead, x.body = l.hooks, body
	return x.goOn()
}

// goOn calls the hooks that are ahead.
func (x *Exchange) goOn() error {
	for run := x.run; len(x.ahead) > 0; {
		h := x.ahead[0]
		x.ahead = x.ahead[1:]
		if h.list == nil {
			continue
		}
		result := h.fn(x, x.body)
		switch {
		case x.run != run: // it was given up meanwhile
			return opError("hook of", x.name, ErrDone)
		case result == HookContinue:
		case result == HookPause:
			x.paused = true
			x.side.pausedByHook()
			return nil
		default:
			x.leaveHooks()
			return x.side.passedHooks(false)
		}
	}
	x.leaveHooks()
	return x.side.passedHooks(true)
}

// leaveHooks ends the way through hooks.
func (x *Exchange) leaveHooks() { x.ahead, x.body, x.paused = nil, nil, false }

// Resume lets a call go on that a hook has paused: with the hooks behind that one, which in
// C are left out, or, with HookTerminate, to its end. The error is ErrNotPaused if it is
// not paused, or not any more, ErrInvalid for another result; otherwise it is about what
// came after (evrpc_resume_request).
func (x *Exchange) Resume(result HookResult) error {
	switch {
	case !x.paused:
		return opError("resume", x.name, ErrNotPaused)
	case result == HookContinue:
		x.paused = false
		return x.goOn()
	case result == HookTerminate:
		x.leaveHooks()
		return x.side.passedHooks(false)
	}
	return opError("resume", x.name, ErrInvalid)
}
