package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

func TestJournalKeepsTheNewest(t *testing.T) {
	j := New(Limits{Files: 2, Posts: 2, Requests: 3, Bodies: 10, Talks: 2, Steps: 3})
	for i := range 5 {
		j.AddFile(File{Path: fmt.Sprint(i)})
		j.AddPost(Post{ID: fmt.Sprint(i)})
		j.AddRequest(Request{URI: fmt.Sprint(i), Body: make([]byte, 4)})
		for range 5 {
			j.AddStep("smtp", base.Step{Conn: int64(i), Kind: base.StepSend, Text: "NOOP"})
		}
		j.AddStep("smtp", base.Step{Conn: int64(i), Kind: base.StepClose})
	}
	if f := j.Files(); len(f) != 2 || f[0].Path != "4" || f[0].ID == f[1].ID {
		t.Errorf("files %+v", f)
	}
	if p := j.Posts(); len(p) != 2 || p[0].ID != "4" {
		t.Errorf("posts %+v", p)
	}
	if r := j.Requests(); len(r) != 2 || r[0].URI != "4" {
		t.Errorf("requests %+v: their bodies have 10 bytes at most", r)
	}
	talks := j.Talks()
	if len(talks) != 2 || talks[0].ID != "smtp-4" || talks[0].Steps != 6 || talks[0].Open || talks[0].First != "NOOP" {
		t.Errorf("talks %+v", talks)
	}
	if _, steps, ok := j.Steps("smtp-4"); !ok || len(steps) != 4 || steps[3].Kind != base.StepClose {
		t.Errorf("steps %+v: three are kept, and the end", steps)
	}
	if j.DropFile("none"); len(j.Files()) != 2 || !j.DropRequest(j.Requests()[0].ID) || !j.DropPost("4") || j.DropPost("4") {
		t.Error("the wrong entries are dropped")
	}
	j.Clear()
	if len(j.Files())+len(j.Posts())+len(j.Requests())+len(j.Talks()) != 0 {
		t.Error("not all is forgotten")
	}
}

func TestSubscriberThatDoesNotKeepUp(t *testing.T) {
	j := New(Limits{})
	events, stop := j.Subscribe()
	for range 3000 {
		j.Tell(Event{Kind: "mail"})
	}
	for range 1024 {
		<-events
	}
	j.Tell(Event{Kind: "post"})
	if e := <-events; e.Kind != "missed" {
		t.Errorf("the first event after a gap is %q", e.Kind)
	}
	if e := <-events; e.Kind != "post" {
		t.Errorf("then comes %q", e.Kind)
	}
	stop()
	j.Tell(Event{Kind: "mail"})
	select {
	case e := <-events:
		t.Errorf("an event after the end: %v", e)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestChanged(t *testing.T) {
	j := New(Limits{})
	c := j.Changed()
	j.AddStep("smtp", base.Step{Conn: 1, Kind: base.StepSend})
	select {
	case <-c:
		t.Error("a step wakes those who wait for what came")
	default:
	}
	j.AddFile(File{})
	select {
	case <-c:
	default:
		t.Error("a file wakes nobody")
	}
}
