package event

import (
	"os"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// Feature is a property of an event method.
type Feature uint8

const (
	// FeatureET is support for edge-triggered events (EV_FEATURE_ET).
	FeatureET = Feature(poller.FeatureET)
	// FeatureO1 says that finding one ready descriptor among many takes
	// constant time (EV_FEATURE_O1).
	FeatureO1 = Feature(poller.FeatureO1)
	// FeatureFDs says that descriptors of every type can be watched, regular
	// files included (EV_FEATURE_FDS).
	FeatureFDs = Feature(poller.FeatureFDs)
	// FeatureEarlyClose is support for Closed (EV_FEATURE_EARLY_CLOSE).
	FeatureEarlyClose = Feature(poller.FeatureEarlyClose)
)

// Flag changes how a base works.
type Flag uint16

const (
	// NoLock makes a base without a lock even when locking is enabled
	// (EVENT_BASE_FLAG_NOLOCK).
	NoLock Flag = 1 << iota
	// IgnoreEnv keeps the EVENT_* environment variables from having an effect
	// (EVENT_BASE_FLAG_IGNORE_ENV).
	IgnoreEnv
	// NoCacheTime reads the clock whenever the time is needed, instead of
	// once an iteration (EVENT_BASE_FLAG_NO_CACHE_TIME).
	NoCacheTime
	// EpollUseChangelist gathers changes of interest and applies them once an
	// iteration, which saves system calls for programs that delete and add
	// events on the same descriptors again and again. It is not safe with
	// descriptors that are closed while a copy made by dup lives on. Only
	// epoll looks at it (EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST).
	EpollUseChangelist
	// PreciseTimer asks for timeouts finer than a millisecond
	// (EVENT_BASE_FLAG_PRECISE_TIMER).
	PreciseTimer
	// EpollDisallowTimerFD keeps PreciseTimer from using a timerfd; the loop
	// then blocks its thread in epoll_pwait2
	// (EVENT_BASE_FLAG_EPOLL_DISALLOW_TIMERFD).
	EpollDisallowTimerFD
	// LockThread ties the goroutine to one operating system thread while it
	// runs the loop, and lets waits block that thread instead of parking the
	// goroutine. It suits loops that are alone on a processor. Bases with a
	// lock always run this way.
	LockThread
)

// Config says how to make a base. The zero value is the default
// (event_config_new; a Config needs no freeing, so event_config_free has no
// counterpart).
type Config struct {
	// AvoidMethods names methods not to use, such as "epoll"
	// (event_config_avoid_method).
	AvoidMethods []string
	// RequireFeatures is what the method must be able to do
	// (event_config_require_features).
	RequireFeatures Feature
	// Flags is a set of Flag values (event_config_set_flag).
	Flags Flag
	// MaxDispatchInterval and MaxDispatchCallbacks bound how long, and how
	// many, callbacks run before the loop looks for new events again. Zero
	// is no bound. They keep a crowd of unimportant events from delaying
	// important ones, at some cost in speed
	// (event_config_set_max_dispatch_interval).
	MaxDispatchInterval  time.Duration
	MaxDispatchCallbacks int
	// LimitCallbacksAfterPriority is the first priority to which the two
	// bounds apply; events more urgent than it are not bounded.
	LimitCallbacksAfterPriority int
	// NumCPUsHint is how many processors may handle completions at once.
	// Only Windows' wepoll looks at it; zero means all
	// (event_config_set_num_cpus_hint).
	NumCPUsHint int
	// Clock, if it is not nil, tells the base the time instead of the system:
	// timeouts pass by it, and Now returns it. It is for tests; package evtest
	// has one. It must not run backwards, and may be called from any goroutine.
	// ClockChanged tells the loop that it was moved on, as the loop waits for
	// events alone.
	Clock func() time.Time
}

// SupportedMethods lists the event methods of this platform, best first. What
// the configuration or the environment excludes is listed too
// (event_get_supported_methods).
func SupportedMethods() []string {
	var names []string
	for _, m := range poller.Methods() {
		names = append(names, m.Name)
	}
	return names
}

// applyEnv sets the flags that the environment asks for.
func (c *Config) applyEnv() {
	if c.Flags&IgnoreEnv != 0 {
		return
	}
	if inEnv("EVENT_PRECISE_TIMER") {
		c.Flags |= PreciseTimer
	}
	if inEnv("EVENT_EPOLL_USE_CHANGELIST") {
		c.Flags |= EpollUseChangelist
	}
}

// inEnv reports whether an environment variable is set. A program that runs
// with more rights than its caller does not let the caller configure it.
func inEnv(name string) bool {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return false
	}
	_, set := os.LookupEnv(name)
	return set
}

// allows reports whether a method meets the configuration and the environment.
func (c *Config) allows(m poller.Method) bool {
	if slices.Contains(c.AvoidMethods, m.Name) {
		return false
	}
	if Feature(m.Features)&c.RequireFeatures != c.RequireFeatures {
		return false
	}
	return c.Flags&IgnoreEnv != 0 || !inEnv("EVENT_NO"+m.Env)
}

func (c *Config) options(blockThread bool) poller.Options {
	return poller.Options{
		PreciseTimer:    c.Flags&PreciseTimer != 0,
		DisallowTimerFD: c.Flags&EpollDisallowTimerFD != 0,
		Changelist:      c.Flags&EpollUseChangelist != 0,
		BlockThread:     blockThread,
		CPUs:            c.NumCPUsHint,
	}
}
