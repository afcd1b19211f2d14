"""Stand-in for SCRAM, V2 and V3: what it prints, where it ends and what it leaves on disk, without the build system."""
