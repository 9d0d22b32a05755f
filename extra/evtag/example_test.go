package evtag_test

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

func Example() {
	var b evbuffer.Buffer
	if err := evtag.MarshalString(&b, 40, "Hello"); err != nil {
		fmt.Println(err)
		return
	}
	if err := evtag.MarshalInt(&b, 41, 1000); err != nil {
		fmt.Println(err)
		return
	}
	s, err := evtag.UnmarshalString(&b, 40)
	fmt.Println(s, err)
	n, err := evtag.UnmarshalInt(&b, 41)
	fmt.Println(n, err)
	// Output:
	// Hello <nil>
	// 1000 <nil>
}

// From a stream records come in pieces.
func ExampleConsume() {
	var b evbuffer.Buffer
	for _, piece := range []string{"\x28\x05Hel", "lo"} {
		if err := b.AddString(piece); err != nil {
			fmt.Println(err)
			return
		}
		err := evtag.Consume(&b)
		fmt.Println(errors.Is(err, evtag.ErrIncomplete), b.Len())
	}
	// Output:
	// true 5
	// false 0
}

// A message is read whole or not at all, and tags that are not known are skipped.
func ExampleReader() {
	const person, personName, personAge = 1, 1, 2
	var b evbuffer.Buffer
	size := evtag.SizeRecord(personName, len("Ada")) + evtag.SizeRecord(personAge, evtag.SizeInt(36))
	err := errors.Join(
		evtag.MarshalHeader(&b, person, size),
		evtag.MarshalString(&b, personName, "Ada"),
		evtag.MarshalInt(&b, personAge, 36))
	if err != nil {
		fmt.Println(err)
		return
	}

	r := evtag.NewReader(&b)
	fields, err := r.Nested(person)
	for err == nil && fields.Len() > 0 {
		var tag uint32
		if tag, _, err = fields.PeekTag(); err != nil {
			break
		}
		switch tag {
		case personName:
			var name string
			name, err = fields.String(tag)
			fmt.Println("name", name)
		case personAge:
			var age uint32
			age, err = fields.Int(tag)
			fmt.Println("age", age)
		default:
			_, err = fields.Skip()
		}
	}
	if err == nil {
		err = r.Drain()
	}
	fmt.Println(err, b.Len())
	// Output:
	// name Ada
	// age 36
	// <nil> 0
}

// A strict decoder refuses what is never written.
func ExampleDecoder_SetStrict() {
	var b evbuffer.Buffer
	if err := b.AddString("\x01\x02\x15\x00"); err != nil { // 5, in two nibbles
		fmt.Println(err)
		return
	}
	var d evtag.Decoder
	d.SetStrict(true)
	_, err := d.UnmarshalInt(&b, 1)
	fmt.Println(err)
	n, err := evtag.UnmarshalInt(&b, 1)
	fmt.Println(n, err)
	// Output:
	// evtag: int: tag 1: not as it would be written
	// 5 <nil>
}

// A message is decoded field by field: records come in any order, and those of other tags
// are errors. Code from evrpcgen does that for all fields of a message.
func ExampleParser() {
	message := evtag.AppendRecord(nil, 2, "Ada")
	message = evtag.AppendIntRecord(message, 1, 36)

	read := func(message []byte) (name string, age uint32, err error) {
		var hasName, hasAge bool
		r, err := evtag.Parse(message, &evtag.ParserConfig{MaxMessage: 1000})
		if err != nil {
			return "", 0, err
		}
		outside, err := r.Enter()
		for err == nil && r.Next() {
			switch r.Tag() {
			case 1:
				err = evtag.InField("person", "age", r.Int(&age, &hasAge))
			case 2:
				err = evtag.InField("person", "name", r.String(&name, &hasName))
			default:
				err = r.Unknown()
			}
		}
		if err == nil {
			err = r.Leave(outside)
		}
		return name, age, err
	}
	fmt.Println(read(message))

	_, _, err := read(evtag.AppendIntRecord(message, 1, 37))
	fmt.Println(err)
	// Output:
	// Ada 36 <nil>
	// evtag: person.age: field is there twice
}
