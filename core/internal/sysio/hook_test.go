package sysio

import (
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
)

// hookedCalls has each function of the package that makes a system call, with the
// kind of the call that it makes first.
var hookedCalls = map[string]struct {
	op   Op
	call func() error
}{
	"Recv":              {OpRecv, func() error { return errorOf(Recv(-1, pieces(".", 1))) }},
	"Send":              {OpSend, func() error { return errorOf(Send(-1, pieces(".", 1))) }},
	"Read":              {OpRead, func() error { return errorOf(Read(-1, pieces(".", 1))) }},
	"Write":             {OpWrite, func() error { return errorOf(Write(-1, pieces(".", 1))) }},
	"Sendfile":          {OpSendfile, func() error { return errorOf(Sendfile(-1, -1, 0, 1)) }},
	"Pread":             {OpPread, func() error { return errorOf(Pread(-1, []byte("."), 0)) }},
	"Size":              {OpSize, func() error { return errorOf(Size(-1)) }},
	"Close":             {OpClose, func() error { return Close(-1) }},
	"Map":               {OpMap, func() error { return errorOf(Map(-1, 0, 1)) }},
	"Mapping.Unmap":     {OpUnmap, func() error { return Mapping{}.Unmap() }},
	"Socket":            {OpSocket, func() error { return noSocket(Socket(syscall.AF_INET, Mode{})) }},
	"DatagramSocket":    {OpSocket, func() error { return noSocket(DatagramSocket(syscall.AF_INET, Mode{})) }},
	"Bind":              {OpBind, func() error { return Bind(-1, &sockaddrInet4{}) }},
	"Listen":            {OpListen, func() error { return Listen(-1, -1) }},
	"Listening":         {OpOption, func() error { return errorOf(Listening(-1)) }},
	"Connect":           {OpConnect, func() error { return Connect(-1, &sockaddrInet4{}) }},
	"StartConnect":      {OpConnect, func() error { return errorOf(StartConnect(-1, &sockaddrInet4{})) }},
	"Sockname":          {OpSockname, func() error { return errorOf(Sockname(-1)) }},
	"Peername":          {OpPeername, func() error { return errorOf(Peername(-1)) }},
	"IsSocket":          {OpOption, func() error { IsSocket(-1); return errHook }},
	"Accept":            {OpAccept, func() error { fd, _, err := Accept(-1, Mode{}); return noSocket(fd, err) }},
	"ShutdownWrite":     {OpShutdown, func() error { return ShutdownWrite(-1) }},
	"CloseSocket":       {OpClose, func() error { return CloseSocket(-1) }},
	"Duplicate":         {OpDuplicate, func() error { return noSocket(Duplicate(-1)) }},
	"PutNull":           {OpPutNull, func() error { return PutNull(-1) }},
	"Option":            {OpOption, func() error { return errorOf(Option(-1, 0, 0)) }},
	"SetOption":         {OpSetOption, func() error { return SetOption(-1, 0, 0, 0) }},
	"PendingError":      {OpOption, func() error { _, err := PendingError(-1); return err }},
	"SetNoDelay":        {OpSetOption, func() error { return SetNoDelay(-1) }},
	"SetReceiveBuffer":  {OpSetOption, func() error { return SetReceiveBuffer(-1, 1) }},
	"SetSendBuffer":     {OpSetOption, func() error { return SetSendBuffer(-1, 1) }},
	"Nonblocking":       {OpNonblocking, func() error { return errorOf(Nonblocking(-1)) }},
	"FindSocket":        {OpFindSocket, func() error { return errorOf(FindSocket("")) }},
	"SocketFile.Remove": {OpRemoveSocket, func() error { return SocketFile{}.Remove() }},
	"LocalAddrs":        {OpLocalAddrs, func() error { return errorOf(LocalAddrs()) }},
	"SetNonblock":       {OpSetNonblock, func() error { return SetNonblock(-1) }},
	"SetCloseOnExec":    {OpSetCloseOnExec, func() error { return SetCloseOnExec(-1) }},
	"Socketpair":        {OpSocketpair, func() error { return noPairs(Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)) }},
	"LoopbackPair":      {OpSocket, func() error { return noPairs(LoopbackPair()) }},
	"WakeChannel":       {OpWakeChannel, func() error { r, w, err := WakeChannel(); return noPairs([2]int{r, w}, err) }},
	"CloseWakeChannel":  {OpClose, func() error { return CloseWakeChannel(-1, -1) }},
	"Signal":            {OpSignal, func() error { return Signal(-1) }},
	"Drain":             {OpDrain, func() error { return errorOf(Drain(-1, make([]byte, WakeMessageLen))) }},
	"RecvMessages":      {firstOf(OpRecvmmsg, OpRecvmsg), func() error { return errorOf(RecvMessages(-1, roomFor(1))) }},
	"SendMessages":      {firstOf(OpSendmmsg, OpSendmsg), func() error { return errorOf(SendMessages(-1, roomFor(1), 1)) }},
}

// unhooked has the functions that make no system call of their own, and why.
var unhooked = map[string]string{
	"SetHook":                "is the hook",
	"SetSystem":              "is the other system",
	"CannotSendfile":         "looks at an error",
	"KnownOption":            "looks at numbers",
	"OptionName.String":      "converts",
	"SocketFile.IsSocket":    "looks",
	"AddrPortToSockaddr":     "converts",
	"SockaddrToAddrPort":     "converts",
	"UnixSockaddr":           "converts",
	"UnixPath":               "converts",
	"ScopeID":                "asks package net",
	"ScopeZone":              "asks package net",
	"NewMessages":            "makes memory",
	"Messages.Len":           "looks",
	"Messages.SetRoom":       "notes",
	"Messages.Set":           "notes",
	"Messages.Received":      "looks",
	"Messages.AllowSegments": "notes",
}

func init() {
	if CanTellLocal {
		hookedCalls["TellLocal"] = hookedCalls["Listening"]
		c := hookedCalls["TellLocal"]
		c.call = func() error { return TellLocal(-1) }
		hookedCalls["TellLocal"] = c
	} else {
		unhooked["TellLocal"] = "fails"
	}
	if runtime.GOOS == "linux" {
		c := hookedCalls["Listening"]
		c.call = func() error { return QueueErrors(-1) }
		hookedCalls["QueueErrors"] = c
		c = hookedCalls["RecvMessages"]
		c.op, c.call = OpRecvmsg, func() error { return errorOf(RecvError(-1)) }
		hookedCalls["RecvError"] = c
	} else {
		unhooked["QueueErrors"], unhooked["RecvError"] = "fails", "fails"
	}
	if runtime.GOOS == "windows" {
		c := hookedCalls["SetOption"]
		c.call = func() error { HideRefusals(-1); return errHook }
		hookedCalls["HideRefusals"] = c
	} else {
		unhooked["HideRefusals"] = "does nothing"
	}
}

var errHook = errors.New("the hook refuses")

func errorOf[T any](_ T, err error) error { return err }

// noSocket returns err, or another error if there is a descriptor in spite of it.
func noSocket(fd int, err error) error {
	if fd != InvalidSocket {
		return errors.New("a descriptor although the call has failed")
	}
	return err
}

func noPairs(pair [2]int, err error) error {
	return errors.Join(noSocket(pair[0], nil), noSocket(pair[1], nil), err)
}

// firstOf returns the kind of call that moves messages: many at a time on Linux.
func firstOf(many, one Op) Op {
	if runtime.GOOS == "linux" {
		return many
	}
	return one
}

func roomFor(n int) *Messages {
	m := NewMessages(n)
	for i := range n {
		m.SetRoom(i, make([]byte, 1))
		m.Set(i, make([]byte, 1), netip.AddrPort{}, netip.Addr{})
	}
	return m
}

// A call that the hook refuses is not made, and fails with the hook's error.
func TestHooksDecideAboutEachCall(t *testing.T) {
	for name, tt := range hookedCalls {
		t.Run(name, func(t *testing.T) {
			var seen []Call
			restore := SetHook(func(c Call) (int, error) {
				seen = append(seen, c)
				return 0, errHook
			})
			err := tt.call()
			restore()
			if len(seen) == 0 || seen[0].Op != tt.op {
				t.Errorf("the hook has seen %v, want kind %d first", seen, tt.op)
			}
			if !errors.Is(err, errHook) {
				t.Errorf("error %v, want %v", err, errHook)
			}
		})
	}
}

// No function is forgotten: each is in one of the two lists.
func TestEachFunctionAsksTheHookOrNeedNot(t *testing.T) {
	found := exportedFunctions(t)
	for name := range found {
		_, hooked := hookedCalls[name]
		_, not := unhooked[name]
		if hooked == not {
			t.Errorf("%s: in hookedCalls %v, in unhooked %v; want one of them", name, hooked, not)
		}
	}
	for name := range hookedCalls {
		want(t, name+" exists", found[name], true)
	}
}

// exportedFunctions returns the exported functions and methods of the package, as
// it is built here.
func exportedFunctions(t *testing.T) map[string]bool {
	dir, err := build.ImportDir(".", 0)
	if err != nil {
		t.Skip("no source to look at: ", err)
	}
	found := map[string]bool{}
	for _, file := range dir.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		ok(t, err)
		for _, d := range f.Decls {
			if d, is := d.(*ast.FuncDecl); is && d.Name.IsExported() {
				found[receiverOf(d)+d.Name.Name] = true
			}
		}
	}
	return found
}

// receiverOf returns the type of a method, with a dot.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if star, is := typ.(*ast.StarExpr); is {
		typ = star.X
	}
	return typ.(*ast.Ident).Name + "."
}
