package proof

import (
	"crypto/rand"
	"fmt"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// Stage is a job ready to begin, on a disk that can lose its power. It may begin any number of times: each time on a copy.
type Stage struct {
	Job  Job
	base *World
	disk *storagetest.CrashDisk
}

// Prepare brings a job to where it begins.
func Prepare(tb testing.TB, j Job) *Stage {
	tb.Helper()
	s := &Stage{Job: j, disk: new(storagetest.CrashDisk)}
	s.base = Empty(tb, folder(s.disk))
	s.base.Parity = j.Parity
	if j.Empty {
		return s
	}
	if err := s.base.SetUp(s.base.Store); err != nil {
		tb.Fatal(err)
	}
	if err := j.Begin(s.base); err != nil {
		tb.Fatalf("%s: begin: %v", j.Name, err)
	}
	return s
}

func folder(disk storage.Disk) *storage.Folder { return storage.NewFolder(disk, rand.Reader) }

// Scene is one time that a job began.
type Scene struct {
	World  *World
	Disk   *storagetest.CrashDisk
	Points *storagetest.CrashPoints
	Err    error // what the job said

	job Job
}

// Play does the job on a disk with points laid over it. The points come without a disk.
func (s *Stage) Play(points *storagetest.CrashPoints) *Scene {
	disk := s.disk.Settled()
	points.Disk = disk
	scene := &Scene{World: s.base.In(folder(disk)), Disk: disk, Points: points, job: s.Job}
	scene.Err = s.Job.Do(scene.World, folder(points))
	return scene
}

// PlayOver does the job through a store laid over the disk's.
func (s *Stage) PlayOver(lay func(storage.Store) storage.Store) *Scene {
	disk := s.disk.Settled()
	scene := &Scene{World: s.base.In(folder(disk)), Disk: disk, job: s.Job}
	scene.Err = s.Job.Do(scene.World, lay(scene.World.Store))
	return scene
}

// Calls counts the calls of the job that change the disk and that only, if not nil, asks for.
func (s *Stage) Calls(tb testing.TB, only func(call string) bool) int {
	tb.Helper()
	scene := s.Play(&storagetest.CrashPoints{Only: only})
	if scene.Err != nil {
		tb.Fatalf("%s, with nothing going wrong: %v", s.Job.Name, scene.Err)
	}
	return scene.Points.Calls()
}

// Killed judges what the next process finds when no power was lost.
func (s *Scene) Killed() error { return s.judge(s.Disk.Settled()) }

// PowerCut judges what is found after one.
func (s *Scene) PowerCut(seed uint64) error { return s.judge(s.Disk.Crash(seed)) }

// GoneOn lets another process do the job again, as far as it was not done, on the disk as it reads now. What was said to be done then must be.
func (s *Scene) GoneOn() error {
	again := s.job.Again
	if again == nil {
		again = s.job.Do
	}
	s.World = s.World.In(folder(s.Disk))
	if err := again(s.World, s.World.Store); err != nil {
		return fmt.Errorf("done again: %w", err)
	}
	s.Err = nil
	return nil
}

func (s *Scene) judge(disk *storagetest.CrashDisk) error {
	w := s.World.In(folder(disk))
	if s.job.Empty && s.Err != nil {
		if err := setUpAgain(w, w.Store); err != nil {
			return fmt.Errorf("set up again: %w", err)
		}
	}
	if err := w.Prove(s.job.MayBe...); err != nil {
		return err
	}
	if s.job.Done != nil && s.Err == nil {
		return s.job.Done(w, w.Store)
	}
	return nil
}
