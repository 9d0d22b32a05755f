package schema

import "math"

// A Schema is what the files of one run say.
type Schema struct {
	// Files are those that were asked for, in their order.
	Files []*File
	// Included are the others.
	Included []*File
}

// A File is an .rpc file.
type File struct {
	Path    string
	Structs []*Struct
	RPCs    []*RPC
	Consts  []*Const
	// ImportPath is that of the Go package which has the file's code, or "" for the one that
	// is written.
	ImportPath string
}

// A Const is a #define whose value is a number.
type Const struct {
	Name  string
	Pos   Pos
	Value int64
}

// A Struct is a message.
type Struct struct {
	Name   string
	Pos    Pos
	Doc    string
	Fields []*Field
	File   *File
	// Recursive says that the message can contain one of its own type, at any depth.
	Recursive bool
}

// A Kind is the type of a field.
type Kind uint8

// The kinds of fields.
const (
	Int Kind = iota
	Int64
	String
	Bytes
	Fixed
	Message
)

// MaxFixed is the length of the longest bytes of fixed length. Each message takes the memory
// for them, whether they are set or not.
const MaxFixed = 1 << 20

// MaxTag is the highest tag.
const MaxTag = math.MaxUint32

// A Field is an entry of a struct.
type Field struct {
	Name     string
	Pos      Pos
	Doc      string
	Kind     Kind
	Optional bool
	Array    bool
	Tag      uint32
	Length   int // of Fixed
	// LengthName is the #define that the length is, if it is one and no more.
	LengthName string
	Ref        *Struct // of Message

	ref    string
	refPos Pos
	end    int // the line of the semicolon
}

// Required reports whether a message without the field is incomplete.
func (f *Field) Required() bool { return !f.Optional && !f.Array }

// An RPC is a //rpc line.
type RPC struct {
	Name           string
	Pos            Pos
	Doc            string
	Request, Reply *Struct

	request, reply       string
	requestPos, replyPos Pos
}
