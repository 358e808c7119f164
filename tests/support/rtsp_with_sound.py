"""An RTSP camera with sound, by GStreamer's RTSP server: plays H.264 with AAC (MP4) or G.711 (Matroska) at its own pace.

    python3 rtsp_with_sound.py CLIP.mp4|CLIP.mkv

Prints its address once it listens: a port that was free.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
clip = sys.argv[1]
if clip.endswith(".mkv"):
    demux, sound = "matroskademux", "rtppcmupay name=pay1 pt=0"
else:
    demux, sound = "qtdemux", "aacparse ! rtpmp4gpay name=pay1 pt=97"
factory.set_launch(
    f'( filesrc location="{clip}" ! {demux} name=d '
    "d.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
    f"d.audio_0 ! queue ! {sound} )"
)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
server.get_mount_points().add_factory("/camera", factory)
server.attach(None)
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/camera", flush=True)
GLib.MainLoop().run()
