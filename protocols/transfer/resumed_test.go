package transfer

import "testing"

// counting is a task that learns where an earlier run ended.
type counting struct{ from []int64 }

func (c *counting) Start(string, int64) Task { return c }
func (c *counting) Set(int64)                {}
func (c *counting) Done(error)               {}
func (c *counting) Resumed(at int64)         { c.from = append(c.from, at) }

// TestTaskLearnsWhereItResumes: once, and not when the copy is from the start.
func TestTaskLearnsWhereItResumes(t *testing.T) {
	for at, want := range map[int64]int{0: 0, 5: 1} {
		c := &counting{}
		l := &lateTask{o: &Options{Progress: c}, name: "x"}
		l.beginAt(10, at)
		l.beginAt(10, 7) // a retry goes on from what this run moved
		if len(c.from) != want || want == 1 && c.from[0] != at {
			t.Errorf("from %d: %v", at, c.from)
		}
	}
}
