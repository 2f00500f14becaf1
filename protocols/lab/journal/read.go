package journal

import "slices"

// newest returns a copy of a list in the opposite order.
func newest[T any](list []T) []T {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

// Files returns the files that were stored, the newest first.
func (j *Journal) Files() []File {
	j.mu.Lock()
	defer j.mu.Unlock()
	return newest(j.files)
}

// Posts returns the articles that were posted, the newest first.
func (j *Journal) Posts() []Post {
	j.mu.Lock()
	defer j.mu.Unlock()
	return newest(j.posts)
}

// Requests returns the HTTP requests, the newest first.
func (j *Journal) Requests() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return newest(j.requests)
}

// Talks returns the conversations, the newest first.
func (j *Journal) Talks() []Talk {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]Talk, 0, len(j.talks))
	for i := len(j.talks) - 1; i >= 0; i-- {
		list = append(list, *j.talks[i])
	}
	return list
}

// Steps returns the steps of a conversation that are kept; false where it is not there.
func (j *Journal) Steps(id string) (Talk, []Step, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.talks {
		if t.ID == id {
			return *t, slices.Clone(t.kept), true
		}
	}
	return Talk{}, nil, false
}

// DropFile forgets a file by its ID, and returns it.
func (j *Journal) DropFile(id string) (File, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.files, func(f File) bool { return f.ID == id })
	if i < 0 {
		return File{}, false
	}
	f := j.files[i]
	j.files = slices.Delete(j.files, i, i+1)
	j.tell(Event{"gone", id, "file"})
	return f, true
}

// DropPost forgets an article by its message-id.
func (j *Journal) DropPost(id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := len(j.posts)
	j.posts = slices.DeleteFunc(j.posts, func(p Post) bool { return p.ID == id })
	j.tell(Event{"gone", id, "post"})
	return len(j.posts) < before
}

// DropRequest forgets a request by its ID.
func (j *Journal) DropRequest(id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.requests, func(r Request) bool { return r.ID == id })
	if i < 0 {
		return false
	}
	j.bodies -= int64(len(j.requests[i].Body))
	j.requests = slices.Delete(j.requests, i, i+1)
	j.tell(Event{"gone", id, "request"})
	return true
}

// DropTalks forgets the conversations that have ended.
func (j *Journal) DropTalks() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.talks = slices.DeleteFunc(j.talks, func(t *Talk) bool { return !t.Open })
	j.tell(Event{"gone", "", "talk"})
}

// Clear forgets files, articles, requests and the conversations that have ended.
func (j *Journal) Clear() {
	j.mu.Lock()
	j.files, j.posts, j.requests, j.bodies = nil, nil, nil, 0
	j.mu.Unlock()
	j.DropTalks()
}
