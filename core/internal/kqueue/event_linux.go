package kqueue

// An Event is a change that is asked for or an event that is reported (struct kevent).
type Event struct {
	Ident  uint64
	Filter int16
	Flags  uint16
	Fflags uint32
	Data   int64
	Udata  uint64
}

// Filters.
const (
	Read  = -1
	Write = -2
	Timer = -7
	User  = -10
)

// Flags of events.
const (
	Add      = 0x1
	Delete   = 0x2
	Enable   = 0x4
	Disable  = 0x8
	OneShot  = 0x10
	Clear    = 0x20
	Receipt  = 0x40
	Dispatch = 0x80
	Error    = 0x4000
	EOF      = 0x8000

	// behaviour has the flags that an event keeps from when it was added.
	behaviour = OneShot | Clear | Receipt | Dispatch
)

// LowWater makes an event on a socket wait for as many bytes as its data says.
const LowWater = 0x1

// Notes of user events: what becomes of the 24 bits that belong to the user.
const (
	Trigger = 0x0100_0000
	FFNop   = 0x0000_0000
	FFAnd   = 0x4000_0000
	FFOr    = 0x8000_0000
	FFCopy  = 0xc000_0000

	ffControl = 0xc000_0000
	ffUser    = 0x00ff_ffff
)
