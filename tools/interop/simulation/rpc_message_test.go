package simulation_test

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

// An rpcMessage is a request or a reply: the number of its call, and bytes that follow from
// that.
type rpcMessage struct {
	id, seed, size int
	set            bool
}

var errIncomplete = errors.New("message is incomplete")

// Reset implements evrpc.Message, as do the others.
func (m *rpcMessage) Reset() { *m = rpcMessage{} }

func (m *rpcMessage) Complete() error {
	if !m.set {
		return errIncomplete
	}
	return nil
}

func (m *rpcMessage) AppendTo(out *evbuffer.Buffer) error {
	return errors.Join(evtag.MarshalInt(out, 1, uint32(m.id)), evtag.MarshalInt(out, 2, uint32(m.seed)),
		evtag.Marshal(out, 3, httpBytes(m.seed, 0, m.size)))
}

func (m *rpcMessage) Unmarshal(in *evbuffer.Buffer) error {
	r := evtag.NewReader(in)
	id, err := r.Int(1)
	seed, err2 := r.Int(2)
	data, err3 := r.AppendBytes(nil, 3)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	if err := httpSame(int(seed), 0, data); err != nil || r.Len() > 0 {
		return fmt.Errorf("%d bytes behind %d: %w", r.Len(), len(data), err)
	}
	*m = rpcMessage{int(id), int(seed), len(data), true}
	return r.Drain()
}
