package evutil

import "fmt"

// GAIError is the reason why [Getaddrinfo] failed. Compare it with errors.Is,
// as it comes wrapped. The values are the same on all systems, and not those
// of the system's own headers.
type GAIError int

const (
	// EAIAddrFamily means that a numeric node is of the wrong family
	// (EVUTIL_EAI_ADDRFAMILY).
	EAIAddrFamily GAIError = -901 - iota
	// EAIAgain means that no name server could say; a later attempt may
	// succeed (EVUTIL_EAI_AGAIN).
	EAIAgain
	// EAIBadFlags means that the flags are unknown or contradict the other
	// arguments (EVUTIL_EAI_BADFLAGS).
	EAIBadFlags
	// EAIFail means that the resolver failed, and will again
	// (EVUTIL_EAI_FAIL).
	EAIFail
	// EAIFamily means that the hints ask for an unknown address family
	// (EVUTIL_EAI_FAMILY).
	EAIFamily
	// EAIMemory means that there was not enough memory. Getaddrinfo never
	// returns it, as Go programs do not outlive that (EVUTIL_EAI_MEMORY).
	EAIMemory
	// EAINoData means that the name exists but has no usable address. Go's
	// resolver mostly reports that as EAINoName (EVUTIL_EAI_NODATA).
	EAINoData
	// EAINoName means that the name does not exist, or is not numeric where
	// it must be, or that there is neither node nor service
	// (EVUTIL_EAI_NONAME).
	EAINoName
	// EAIService means that the service is not known for the protocol
	// (EVUTIL_EAI_SERVICE).
	EAIService
	// EAISockType means that socket type and protocol do not go together
	// (EVUTIL_EAI_SOCKTYPE).
	EAISockType
	// EAISystem means that a system call failed. Getaddrinfo never returns
	// it, as Go's resolver reports that as a failure to resolve
	// (EVUTIL_EAI_SYSTEM).
	EAISystem
)

// EAICancel means that the request was given up before it had a result
// (EVUTIL_EAI_CANCEL).
const EAICancel GAIError = -90001

// Error returns a description in English (evutil_gai_strerror).
func (e GAIError) Error() string {
	switch e {
	case 0:
		return "no error"
	case EAIAddrFamily:
		return "host has no address of the family asked for"
	case EAIAgain:
		return "name cannot be resolved at the moment"
	case EAIBadFlags:
		return "invalid flags"
	case EAIFail:
		return "name cannot be resolved"
	case EAIFamily:
		return "address family not supported"
	case EAIMemory:
		return "out of memory"
	case EAINoData:
		return "name has no address"
	case EAINoName:
		return "host or service not known"
	case EAIService:
		return "service not known for the protocol"
	case EAISockType:
		return "socket type not supported"
	case EAISystem:
		return "system error"
	case EAICancel:
		return "request cancelled"
	}
	return fmt.Sprintf("unknown getaddrinfo error %d", int(e))
}

// Timeout is false, as none of the reasons is a timeout by definition. With
// Temporary it makes a GAIError a net.Error.
func (e GAIError) Timeout() bool { return false }

// Temporary reports whether a later attempt may succeed.
func (e GAIError) Temporary() bool { return e == EAIAgain }
