package transfer

import (
	"encoding/json"
	"errors"
	"math"
	"time"
)

// Status says what became of one object.
type Status string

// What became of an object.
const (
	StatusDone    Status = "done"
	StatusUpdated Status = "updated" // a message whose flags changed
	StatusSkipped Status = "skipped"
	StatusDeleted Status = "deleted"
	StatusFailed  Status = "failed"
	StatusPlanned Status = "planned" // what a dry run would do
)

// Result is what became of one object.
type Result struct {
	Protocol    string
	Source      string // URL; empty for what was deleted
	Destination string // URL
	Name        string // relative to the trees of a sync; the last component of a copy
	Bytes       int64  // moved in this run
	Took        time.Duration
	ResumedAt   int64 // where this run went on; 0 is from the start
	Status      Status
	Note        string // why it was skipped, when that is not because nothing changed
	Would       string // in a dry run: copy, update, replace or delete
	Err         error  // when it failed
	Subject     string // of a message that failed, where it is known
	MessageID   string // likewise
}

type resultJSON struct {
	Protocol    string  `json:"protocol,omitempty"`
	Source      string  `json:"source,omitempty"`
	Destination string  `json:"destination,omitempty"`
	Bytes       int64   `json:"bytes"`
	Seconds     float64 `json:"seconds"`
	ResumedAt   int64   `json:"resumed_at,omitempty"`
	Status      Status  `json:"status"`
	Would       string  `json:"would,omitempty"`
	Note        string  `json:"note,omitempty"`
	Error       string  `json:"error,omitempty"`
	Subject     string  `json:"subject,omitempty"`
	MessageID   string  `json:"message_id,omitempty"`
}

// ResultShape returns a value of the struct whose keys are those of a [Result] as JSON,
// for schemas that are made from types.
func ResultShape() any { return resultJSON{} }

// MarshalJSON writes the keys of the command line's contract.
func (r Result) MarshalJSON() ([]byte, error) {
	j := resultJSON{
		Protocol: r.Protocol, Source: r.Source, Destination: r.Destination, Bytes: r.Bytes,
		Seconds: r.Took.Seconds(), ResumedAt: r.ResumedAt, Status: r.Status, Would: r.Would, Note: r.Note, Subject: r.Subject, MessageID: r.MessageID,
	}
	if r.Err != nil {
		j.Error = r.Err.Error()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. Name, which is not written, stays empty;
// Err has the text of the error that was written, and nothing else of it.
func (r *Result) UnmarshalJSON(b []byte) error {
	var j resultJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = Result{
		Protocol: j.Protocol, Source: j.Source, Destination: j.Destination, Bytes: j.Bytes,
		Took: time.Duration(math.Round(j.Seconds * float64(time.Second))), ResumedAt: j.ResumedAt, Status: j.Status, Would: j.Would, Note: j.Note,
		Subject: j.Subject, MessageID: j.MessageID,
	}
	if j.Error != "" {
		r.Err = errors.New(j.Error)
	}
	return nil
}

// Summary counts the results of a sync.
type Summary struct {
	Done    int64 `json:"done"`
	Skipped int64 `json:"skipped"`
	Deleted int64 `json:"deleted"`
	Failed  int64 `json:"failed"`
	Bytes   int64 `json:"bytes"`
	Updated int64 `json:"updated,omitempty"` // messages whose flags changed
}

// Add counts one result.
func (s *Summary) Add(r Result) {
	switch r.Status {
	case StatusDone:
		s.Done++
	case StatusSkipped:
		s.Skipped++
	case StatusUpdated:
		s.Updated++
	case StatusDeleted:
		s.Deleted++
	case StatusFailed:
		s.Failed++
	}
	s.Bytes += r.Bytes
}
