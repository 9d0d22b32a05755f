package evuri

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
)

// A Form is what was sent as a form, in the order in which it was.
type Form struct {
	Fields Query
	Files  []FormFile
}

// A FormFile is a file in a form. All but its data is the client's word and to
// be trusted as little.
type FormFile struct {
	Name     string // of the field
	Filename string // without any folders in front
	Header   textproto.MIMEHeader
	Data     []byte
}

// A FormParser reads forms of the types application/x-www-form-urlencoded and
// multipart/form-data, into memory. The zero value has the default limits.
type FormParser struct {
	MaxFields int   // fields and files; DefaultMaxQueryFields if 0
	MaxBytes  int64 // of the whole body; DefaultMaxFormBytes if 0
}

// Parse reads a form of the type that a Content-Type field gives from a body,
// which an evbuffer can be. It does not wait for more of a body than there is, so
// that must be complete. The error is ErrFormType, ErrForm, ErrFormTooLarge, or
// ErrTooMany.
func (p *FormParser) Parse(contentType string, body io.Reader) (*Form, error) {
	form, err := p.parse(contentType, body)
	if err != nil {
		return nil, fmt.Errorf("evuri: parse form: %w", err)
	}
	return form, nil
}

func (p *FormParser) parse(contentType string, body io.Reader) (*Form, error) {
	most := p.MaxBytes
	if most == 0 {
		most = DefaultMaxFormBytes
	}
	limited := &formReader{body, most}
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %.100q: %w", ErrFormType, contentType, err)
	case kind == "application/x-www-form-urlencoded":
		return p.parseURLEncoded(limited)
	case kind == "multipart/form-data" && params["boundary"] != "":
		return p.parseMultipart(multipart.NewReader(limited, params["boundary"]))
	default:
		return nil, fmt.Errorf("%w: %.100q", ErrFormType, contentType)
	}
}

func (p *FormParser) parseURLEncoded(body io.Reader) (*Form, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	parser := QueryParser{Flags: QueryNonconformant, MaxFields: p.MaxFields}
	fields, err := parser.append(nil, string(text))
	if err != nil {
		return nil, err
	}
	return &Form{Fields: fields}, nil
}

func (p *FormParser) parseMultipart(r *multipart.Reader) (*Form, error) {
	most := p.MaxFields
	if most == 0 {
		most = DefaultMaxQueryFields
	}
	form := new(Form)
	for n := 0; ; n++ {
		part, err := r.NextPart()
		if err == io.EOF {
			return form, nil
		}
		if err == nil && n == most {
			return nil, fmt.Errorf("%w: limit is %d", ErrTooMany, most)
		}
		if err == nil {
			err = form.add(part)
		}
		if err != nil {
			return nil, formError(err)
		}
	}
}

// formError tells limits from malformed forms.
func formError(err error) error {
	if errors.Is(err, ErrFormTooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrForm, err)
}

func (f *Form) add(part *multipart.Part) error {
	name := part.FormName()
	if name == "" {
		return errors.New("part without a name")
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if _, isFile := params["filename"]; !isFile {
		f.Fields.Add(name, string(data))
		return nil
	}
	f.Files = append(f.Files, FormFile{name, part.FileName(), part.Header, data})
	return nil
}

// A formReader fails where a form goes beyond its limit.
type formReader struct {
	r    io.Reader
	left int64
}

func (f *formReader) Read(p []byte) (int, error) {
	if f.left < 0 {
		return 0, ErrFormTooLarge
	}
	if int64(len(p)) > f.left+1 {
		p = p[:f.left+1]
	}
	n, err := f.r.Read(p)
	if f.left -= int64(n); f.left < 0 {
		return n - 1, ErrFormTooLarge
	}
	return n, err
}
